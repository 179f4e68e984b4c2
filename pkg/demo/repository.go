package demo

import (
	"embed"
	"io/fs"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-billy/v5/util"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

// files are the GitOps repository of the demo.
//
//go:embed all:repository
var files embed.FS

// makeRepository makes a bare repository of the embedded files, without git.
func makeRepository(dir string, now time.Time) (*git.Repository, error) {
	storage := filesystem.NewStorage(osfs.New(dir), cache.NewObjectLRUDefault())
	repo, err := git.InitWithOptions(storage, memfs.New(), git.InitOptions{DefaultBranch: plumbing.NewBranchReferenceName("main")})
	if err != nil {
		return nil, err
	}
	worktree, err := repo.Worktree()
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(files, "repository", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := files.ReadFile(file)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(file, "repository/")
		if err := util.WriteFile(worktree.Filesystem, name, content, 0o644); err != nil {
			return err
		}
		_, err = worktree.Add(name)
		return err
	})
	if err != nil {
		return nil, err
	}
	person := &object.Signature{Name: "Ada", Email: "ada@example.com", When: now.Add(-72 * time.Hour)}
	if _, err := worktree.Commit("add the chart of send2ereader\n", &git.CommitOptions{Author: person}); err != nil {
		return nil, err
	}
	settings, err := repo.Config()
	if err != nil {
		return nil, err
	}
	settings.Core.IsBare, settings.Core.Worktree = true, ""
	return repo, repo.SetConfig(settings)
}

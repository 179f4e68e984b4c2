package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/go-git/go-billy/v5"
	"github.com/go-git/go-billy/v5/memfs"
	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/plumbing/transport/http"
	gitssh "github.com/go-git/go-git/v5/plumbing/transport/ssh"
	"github.com/go-git/go-git/v5/storage/memory"
	"golang.org/x/crypto/ssh"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
)

// A job is one bump: set the tag in file, in the repository at url.
type job struct {
	url, file, tag string
	token          string
	key, hostKey   string // of ssh
}

// A method makes a bump. Those of go-git and ours run in a child process of this
// program; the others are shell scripts.
type method struct {
	name   string
	what   string
	script string
	run    func(ctx context.Context, j job, dir string) error
}

var methods = []method{
	{name: "script", what: "git clone --depth 1, sed, commit, push", script: `
set -e
git clone -q --depth 1 "$URL" work
cd work
sed -i 's/tag: .*/tag: "'"$TAG"'" # set by CI/' "$FILE"
git commit -q -a -m "bump"
git push -q origin HEAD
`},
	{name: "sparse", what: "git clone --filter=blob:none --sparse", script: `
set -e
git clone -q --filter=blob:none --depth 1 --sparse --no-checkout "$URL" work
cd work
git sparse-checkout set --cone "$(dirname "$FILE")"
git checkout -q
sed -i 's/tag: .*/tag: "'"$TAG"'" # set by CI/' "$FILE"
git commit -q -a -m "bump"
git push -q origin HEAD
`},
	{name: "go-git", what: "go-git PlainClone, depth 1", run: plainClone},
	{name: "go-git memory", what: "go-git Clone into memory, depth 1", run: memoryClone},
	{name: "tagbump", what: "pkg/gitrepo", run: engine},
}

var tagLine = regexp.MustCompile(`tag: .*`)

func setTag(text []byte, tag string) []byte {
	return tagLine.ReplaceAll(text, []byte(`tag: "`+tag+`" # set by CI`))
}

func engine(ctx context.Context, j job, _ string) error {
	repo, err := gitrepo.Open(j.url, gitrepo.Options{Token: j.token, SSHKey: j.key, HostKey: j.hostKey})
	if err != nil {
		return err
	}
	defer func() { _ = repo.Close() }()
	tree, err := repo.Read(ctx, gitrepo.Revision{Branch: "main"}, files.MustSelect(j.file))
	if err != nil {
		return err
	}
	old, err := tree.ReadFile(j.file)
	if err != nil {
		return err
	}
	_, err = repo.Push(ctx, tree, gitrepo.Commit{
		Message: "bump",
		Author:  gitrepo.Signature{Name: "Bench", Email: "bench@example.com", When: time.Now()},
		Files:   map[string][]byte{j.file: setTag(old, j.tag)},
	})
	return err
}

func (j job) auth() (transport.AuthMethod, error) {
	if j.key == "" {
		return &http.BasicAuth{Username: "x-access-token", Password: j.token}, nil
	}
	user, _, _ := strings.Cut(strings.TrimPrefix(j.url, "ssh://"), "@")
	keys, err := gitssh.NewPublicKeysFromFile(user, j.key, "")
	if err != nil {
		return nil, err
	}
	host, _, _, _, err := ssh.ParseAuthorizedKey([]byte(j.hostKey))
	if err != nil {
		return nil, err
	}
	keys.HostKeyCallback = ssh.FixedHostKey(host)
	return keys, nil
}

func plainClone(ctx context.Context, j job, dir string) error {
	auth, err := j.auth()
	if err != nil {
		return err
	}
	repo, err := git.PlainCloneContext(ctx, filepath.Join(dir, "work"), false, &git.CloneOptions{URL: j.url, Depth: 1, Auth: auth, SingleBranch: true, Tags: git.NoTags})
	if err != nil {
		return err
	}
	return commitAndPush(ctx, repo, j, auth)
}

func memoryClone(ctx context.Context, j job, _ string) error {
	auth, err := j.auth()
	if err != nil {
		return err
	}
	repo, err := git.CloneContext(ctx, memory.NewStorage(), memfs.New(), &git.CloneOptions{URL: j.url, Depth: 1, Auth: auth, SingleBranch: true, Tags: git.NoTags})
	if err != nil {
		return err
	}
	return commitAndPush(ctx, repo, j, auth)
}

func commitAndPush(ctx context.Context, repo *git.Repository, j job, auth transport.AuthMethod) error {
	tree, err := repo.Worktree()
	if err != nil {
		return err
	}
	if err := rewrite(tree.Filesystem, j); err != nil {
		return err
	}
	if _, err := tree.Add(j.file); err != nil {
		return err
	}
	if _, err := tree.Commit("bump", &git.CommitOptions{Author: &object.Signature{Name: "Bench", Email: "bench@example.com", When: time.Now()}}); err != nil {
		return err
	}
	return repo.PushContext(ctx, &git.PushOptions{Auth: auth})
}

func rewrite(fs billy.Filesystem, j job) error {
	f, err := fs.Open(j.file)
	if err != nil {
		return err
	}
	old, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	_ = f.Close()
	w, err := fs.OpenFile(j.file, os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, bytes.NewReader(setTag(old, j.tag))); err != nil {
		return err
	}
	return w.Close()
}

func methodNamed(name string) (method, error) {
	for _, m := range methods {
		if m.name == name {
			return m, nil
		}
	}
	return method{}, fmt.Errorf("no method %q", name)
}

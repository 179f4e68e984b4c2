package wire

import (
	"context"
	"errors"
	"fmt"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
)

// remote is a git repository as bump sees it.
type remote struct {
	repo   *gitrepo.Repo
	world  World
	author gitrepo.Signature // zero: whom the world names
	signer gitrepo.Signer    // nil: commits are not signed
}

func (r remote) Read(ctx context.Context, at bump.Revision, selection files.Selection) (bump.Tree, error) {
	return r.repo.Read(ctx, gitrepo.Revision(at), selection)
}

// Branches returns the names of the branches that begin with prefix.
func (r remote) Branches(ctx context.Context, prefix string) ([]string, error) {
	return r.repo.Branches(ctx, prefix)
}

func (r remote) Tip(ctx context.Context, branch string) (string, error) {
	return r.repo.Tip(ctx, branch)
}

func (r remote) Save(ctx context.Context, base bump.Tree, c bump.Commit) (bump.Saved, error) {
	author := r.author
	if author == (gitrepo.Signature{}) {
		author = r.world.author(ctx)
	}
	author.When = r.world.Now()
	commit := gitrepo.Commit{
		Branch: c.Branch, Old: c.Old, Files: c.Files, Message: c.Message,
		Author: author, Committer: r.world.committer(author), Signer: r.signer,
	}
	hash, err := r.repo.Push(ctx, base.(*files.Tree), commit)
	if errors.Is(err, gitrepo.ErrMoved) {
		err = fmt.Errorf("%w (%w)", bump.ErrMoved, err)
	}
	if err != nil {
		return bump.Saved{}, err
	}
	return bump.Saved{State: bump.Pushed, Commit: hash}, nil
}

func (r remote) Log(ctx context.Context, at bump.Revision, names []string, most int) ([]bump.CommitInfo, error) {
	entries, err := r.repo.Log(ctx, gitrepo.Revision(at), names, most)
	return commitsOf(entries), err
}

// History returns the latest commits, and what files were in them.
func (r remote) History(ctx context.Context, at bump.Revision, names []string, most int) (bump.History, error) {
	read, err := r.repo.History(ctx, gitrepo.Revision(at), names, most)
	h := bump.History{Commits: commitsOf(read.Commits), More: read.More, Files: map[string][]bump.Version{}}
	for name, versions := range read.Files {
		for _, v := range versions {
			h.Files[name] = append(h.Files[name], bump.Version(v))
		}
	}
	return h, err
}

func commitsOf(entries []gitrepo.CommitInfo) []bump.CommitInfo {
	commits := make([]bump.CommitInfo, len(entries))
	for i, entry := range entries {
		author := fmt.Sprintf("%s <%s>", entry.Author.Name, entry.Author.Email)
		commits[i] = bump.CommitInfo{Hash: entry.Hash, Author: author, When: entry.Committer.When, Message: entry.Message, Merged: entry.Merged}
	}
	return commits
}

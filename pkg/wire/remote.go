package wire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
)

// remote is a git repository as bump sees it.
type remote struct {
	repo              *gitrepo.Repo
	author, committer gitrepo.Signature
	signer            gitrepo.Signer // nil: commits are not signed
	now               func() time.Time
}

func (r remote) Read(ctx context.Context, branch string, globs []string) (bump.Tree, error) {
	selection, err := files.Select(globs...)
	if err != nil {
		return nil, err
	}
	return r.repo.Read(ctx, gitrepo.Revision{Branch: branch}, selection)
}

func (r remote) Tip(ctx context.Context, branch string) (string, error) {
	return r.repo.Tip(ctx, branch)
}

func (r remote) Save(ctx context.Context, base bump.Tree, c bump.Commit) (bump.Saved, error) {
	commit := gitrepo.Commit{
		Branch: c.Branch, Old: c.Old, Files: c.Files, Message: c.Message,
		Author: r.author, Committer: r.committer, Signer: r.signer,
	}
	commit.Author.When = r.now()
	commit.Committer.When = commit.Author.When
	hash, err := r.repo.Push(ctx, base.(*files.Tree), commit)
	if errors.Is(err, gitrepo.ErrMoved) {
		err = fmt.Errorf("%w (%w)", bump.ErrMoved, err)
	}
	if err != nil {
		return bump.Saved{}, err
	}
	return bump.Saved{State: bump.Pushed, Commit: hash}, nil
}

// Messages makes remote a bump.History.
func (r remote) Messages(ctx context.Context, tree bump.Tree, most int) ([]string, error) {
	entries, err := r.repo.Log(ctx, gitrepo.Revision{Branch: tree.Branch(), Commit: tree.Tip()}, nil, most)
	messages := make([]string, len(entries))
	for i, entry := range entries {
		messages[i] = entry.Message
	}
	return messages, err
}

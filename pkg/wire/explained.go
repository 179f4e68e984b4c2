package wire

import (
	"context"
	"errors"
	"fmt"

	"github.com/tagbump/tagbump/pkg/forge"
)

// explainedForge adds to a refusal which token was refused.
type explainedForge struct {
	forge.Host
	credential credential
}

func (f explainedForge) Open(ctx context.Context, base string) ([]forge.PullRequest, error) {
	open, err := f.Host.Open(ctx, base)
	return open, f.credential.explain(err)
}

func (f explainedForge) Closed(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	pr, found, err := f.Host.Closed(ctx, head, base)
	return pr, found, f.credential.explain(err)
}

func (f explainedForge) Find(ctx context.Context, head, base string) (forge.Found, error) {
	found, err := forge.Find(ctx, f.Host, head, base)
	return found, f.credential.explain(err)
}

func (f explainedForge) Compare(ctx context.Context, base, head string) (forge.Comparison, error) {
	diff, err := f.Host.Compare(ctx, base, head)
	return diff, f.credential.explain(err)
}

func (f explainedForge) Create(ctx context.Context, p forge.Proposal) (forge.PullRequest, error) {
	pr, err := f.Host.Create(ctx, p)
	return pr, f.credential.explain(err)
}

func (f explainedForge) Edit(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	return f.credential.explain(f.Host.Edit(ctx, pr, p))
}

func (f explainedForge) Decorate(ctx context.Context, pr forge.PullRequest, p forge.Proposal) error {
	return f.credential.explain(f.Host.Decorate(ctx, pr, p))
}

func (f explainedForge) Close(ctx context.Context, number int, comment string) error {
	return f.credential.explain(f.Host.Close(ctx, number, comment))
}

func (c credential) explain(err error) error {
	if errors.Is(err, forge.ErrAuth) || errors.Is(err, forge.ErrNotFound) {
		return fmt.Errorf("%w (with the token in %s)", err, c.source)
	}
	return err
}

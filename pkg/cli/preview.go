package cli

import (
	"context"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
)

// previewWithin is how long a pull request waits for Argo CD to render it.
const previewWithin = time.Minute

// A previewer asks Argo CD what a pull request changes in the cluster.
type previewer struct {
	deployer *deployer
	request  bump.Request
}

// openPreviewer opens Argo CD before anything is pushed, where a preview is wanted.
func (j *job) openPreviewer(ctx context.Context, req bump.Request) error {
	if j.preview == "" || j.flags.dryRun {
		return nil
	}
	d, err := newDeployer(j.world, &j.flags.waitFlags, j.project, req.To, j.origin(ctx), j.repo.Repo, j.printer.talk)
	if err != nil {
		return err
	}
	j.runner.Renderer = previewer{d, req}
	return nil
}

// Render makes a previewer a [bump.Renderer].
func (p previewer) Render(ctx context.Context, base, commit string, outcome bump.Outcome) ([]bump.Rendering, error) {
	ctx, cancel := context.WithTimeout(ctx, previewWithin)
	defer cancel()
	push := p.deployer.pushed(p.request, outcome)
	push.Commit = commit
	differences, err := p.deployer.waiter.Differences(ctx, push, base)
	renderings := make([]bump.Rendering, len(differences))
	for i, difference := range differences {
		renderings[i] = bump.Rendering{Name: difference.ID.String(), Diff: difference.Text}
	}
	return renderings, err
}

package bump

import (
	"context"
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// A Renderer knows what the files of a commit become in a cluster.
type Renderer interface {
	// Render compares an outcome's commit, which is in the repository already, with the
	// one that it is based on. The renderings that come beside an error count, too.
	Render(ctx context.Context, base, commit string, outcome Outcome) ([]Rendering, error)
}

// A Rendering is what a commit changes in one application.
type Rendering struct {
	Name string // the application's
	Diff string // "" when nothing changes
}

// withRenderings adds what the pull request changes in the cluster to its body, which gets
// most bytes at most. A failure is logged: the pull request then goes without.
func (r Runner) withRenderings(ctx context.Context, at scene, outcome Outcome, body string, most int) string {
	if r.Renderer == nil {
		return body
	}
	commit := outcome.Commit
	if commit == "" { // the branch holds the change already
		var err error
		if commit, err = r.Repo.Tip(ctx, outcome.Head); err != nil {
			r.log("warning: the pull request has no preview: %v", err)
			return body
		}
	}
	renderings, err := r.Renderer.Render(ctx, at.Tip(), commit, outcome)
	if err != nil {
		r.log("warning: the pull request's preview is not complete: %v", err)
	}
	for _, rendering := range renderings {
		body += rendering.fold(most - len(body))
	}
	return body
}

// renderedLimit is the longest body with renderings, the mark and the trailers.
const renderedLimit = 32_000

// fold is the rendering as a folded block of Markdown of at most most bytes. Lines that do
// not fit are counted; it is "" where none does.
func (r Rendering) fold(most int) string {
	if most <= 0 {
		return ""
	}
	lines := strings.SplitAfter(strings.TrimSuffix(r.Diff, "\n"), "\n")
	whole := r.block(r.Diff)
	for kept := len(lines) - 1; len(whole) > most; kept-- {
		if kept <= 0 {
			return ""
		}
		kept = min(kept, kept*most/len(whole)+1) // close at once, then line by line
		whole = r.block(strings.Join(lines[:kept], "") + fmt.Sprintf("(and %d more lines)", len(lines)-kept))
	}
	return whole
}

func (r Rendering) block(diff string) string {
	name := safetext.Code(r.Name)
	if diff == "" {
		return fmt.Sprintf("\n%s renders the same as before.\n", name)
	}
	return fmt.Sprintf("\n<details><summary>rendered changes</summary>\n\n%s:\n\n%s</details>\n", name, safetext.Fence("diff", diff))
}

package forge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Host carries out single steps of a pull request's life at one forge, for one
// repository. [Propose] makes a whole of them.
type Host interface {
	// Find returns the open pull request from the branch head to the branch base
	// of the same repository, and whether there is one.
	Find(ctx context.Context, head, base string) (PullRequest, bool, error)
	// Create opens a pull request. An error that has a method Undecided() bool
	// which returns true leaves open whether it did.
	Create(ctx context.Context, p Proposal) (PullRequest, error)
	// Edit sets the title and the body.
	Edit(ctx context.Context, number int, p Proposal) error
	// Decorate adds p's labels, reviewers and assignees that pr does not have, and
	// asks for the merge if p wants that. Doing so twice is the same as once.
	Decorate(ctx context.Context, pr PullRequest, p Proposal) error
}

// createAttempts bounds how often one pull request is asked for.
const createAttempts = 3

// Propose returns the open pull request for p: the one that is open already,
// else a new one. It then has p's title and body, and at least p's labels,
// reviewers and assignees. A pull request and an error come back together when
// it is open but could not be given all of that.
//
// It is safe to repeat and to run twice at once: a request that may have been
// carried out is not sent again before a look at what is open.
func Propose(ctx context.Context, host Host, p Proposal) (PullRequest, error) {
	if err := p.Check(); err != nil {
		return PullRequest{}, err
	}
	pr, found, err := host.Find(ctx, p.Head, p.Base)
	if err != nil {
		return PullRequest{}, err
	}
	pr.Reused = found
	if !found {
		if pr, err = create(ctx, host, p); err != nil {
			return PullRequest{}, err
		}
	}
	if !SameText(pr, p) {
		err = host.Edit(ctx, pr.Number, p)
	}
	if err == nil {
		err = host.Decorate(ctx, pr, p)
	}
	return pr, err
}

// create opens the pull request. When the forge's answer leaves open whether
// there is one now, this run's or another's, a look decides.
func create(ctx context.Context, host Host, p Proposal) (PullRequest, error) {
	lost := false // an answer was lost, so what is found may be of this run
	for attempt := 1; ; attempt++ {
		pr, err := host.Create(ctx, p)
		if err == nil {
			return pr, nil
		}
		var doubt interface {
			error
			Undecided() bool
			Lost() bool
		}
		if !errors.As(err, &doubt) || !doubt.Undecided() {
			return PullRequest{}, err
		}
		lost = lost || doubt.Lost()
		pr, found, findErr := host.Find(ctx, p.Head, p.Base)
		switch {
		case findErr != nil:
			return PullRequest{}, errors.Join(err, findErr)
		case found:
			pr.Reused = !lost || !SameText(pr, p)
			return pr, nil
		case attempt == createAttempts || !doubt.Lost():
			return PullRequest{}, err
		}
	}
}

// Check returns an error that wraps [ErrInvalid] for a proposal that no forge can
// grant.
func (p Proposal) Check() error {
	var why string
	switch {
	case p.Head == "" || p.Base == "":
		why = "a branch has no name"
	case p.Head == p.Base:
		why = "a branch cannot be merged into itself"
	case strings.TrimSpace(p.Title) == "":
		why = "the title is empty"
	case strings.ContainsAny(p.Title, "\r\n"):
		why = "the title has more than one line"
	default:
		return nil
	}
	return fmt.Errorf("pull request %s → %s: %s: %w", p.Head, p.Base, why, ErrInvalid)
}

// SameText reports whether pr has p's title and body, as forges store them: an editor
// in the browser turns line ends into CRLF and trims, and that is no reason to write
// again.
func SameText(pr PullRequest, p Proposal) bool {
	return stored(pr.Title) == stored(p.Title) && stored(pr.Body) == stored(p.Body)
}

func stored(text string) string {
	return strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
}

// Missing returns the names that are wanted and not in has, each once. Case does
// not count: forges take names that differ only in case for one.
func Missing(wanted, has []string) []string {
	var missing []string
	for _, name := range wanted {
		same := func(other string) bool { return strings.EqualFold(other, name) }
		if !slices.ContainsFunc(has, same) && !slices.ContainsFunc(missing, same) {
			missing = append(missing, name)
		}
	}
	return missing
}

package forge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Host carries out single steps of a pull request's life at one forge, for one
// repository. Pull requests from forks do not count.
type Host interface {
	// Check returns the error that wraps [ErrInvalid] for a proposal that this forge
	// cannot carry out. It asks nobody.
	Check(p Proposal) error
	// Open returns the open pull requests into the branch base, the newest first.
	Open(ctx context.Context, base string) ([]PullRequest, error)
	// Closed returns the latest pull request from head to base that is not open any
	// more, merged or not, and whether there is one.
	Closed(ctx context.Context, head, base string) (PullRequest, bool, error)
	// Compare returns what the branch head has since it left the branch base.
	Compare(ctx context.Context, base, head string) (Comparison, error)
	// Create opens a pull request. An error that has a method Undecided() bool
	// which returns true leaves open whether it did.
	Create(ctx context.Context, p Proposal) (PullRequest, error)
	// Edit gives pr the title and the body of p. A draft stays a draft.
	Edit(ctx context.Context, pr PullRequest, p Proposal) error
	// Decorate adds p's labels, reviewers and assignees that pr does not have, and
	// asks for the merge if p wants that. Doing so twice is the same as once.
	Decorate(ctx context.Context, pr PullRequest, p Proposal) error
	// Close closes a pull request without merging it, after a comment unless that
	// is empty.
	Close(ctx context.Context, number int, comment string) error
}

// Found is what a forge has of a branch's pull requests.
type Found struct {
	Open []PullRequest // into the base, from any branch, the newest first
	Last *PullRequest  // the latest from the head that is not open any more; nil when none exists, or one is open
}

// A Finder is a Host that answers [Find] by itself, with fewer requests.
type Finder interface {
	Find(ctx context.Context, head, base string) (Found, error)
}

// Find returns the open pull requests into base, and the latest from head to base that is
// not open any more.
func Find(ctx context.Context, host Host, head, base string) (Found, error) {
	if finder, ok := host.(Finder); ok {
		return finder.Find(ctx, head, base)
	}
	return FindEach(ctx, host, head, base)
}

// FindEach is [Find] by the methods of a Host.
func FindEach(ctx context.Context, host Host, head, base string) (Found, error) {
	open, err := host.Open(ctx, base)
	if err != nil {
		return Found{}, err
	}
	found := Found{Open: open}
	if _, isOpen := From(open, head); isOpen {
		return found, nil
	}
	last, existed, err := host.Closed(ctx, head, base)
	if existed {
		found.Last = &last
	}
	return found, err
}

// createAttempts bounds how often one pull request is asked for.
const createAttempts = 3

// Start opens a pull request for p, of which none is open. It then has p's labels,
// reviewers and assignees. A pull request and an error come back together when it is open
// but could not be given all of that.
//
// It is safe to repeat and to run twice at once: a request that may have been carried out
// is not sent again before a look at the open ones.
func Start(ctx context.Context, host Host, p Proposal) (PullRequest, error) {
	if err := Check(host, p); err != nil {
		return PullRequest{}, err
	}
	pr, err := create(ctx, host, p)
	if err != nil {
		return PullRequest{}, err
	}
	return finish(ctx, host, pr, p)
}

// Refresh gives pr, which is the open pull request for p, p's title and body, and at least
// p's labels, reviewers and assignees. It returns pr, also beside an error.
func Refresh(ctx context.Context, host Host, pr PullRequest, p Proposal) (PullRequest, error) {
	if err := Check(host, p); err != nil {
		return PullRequest{}, err
	}
	pr.Reused = true
	return finish(ctx, host, pr, p)
}

func finish(ctx context.Context, host Host, pr PullRequest, p Proposal) (PullRequest, error) {
	var err error
	if !SameText(pr, p) {
		err = host.Edit(ctx, pr, p)
	}
	if err == nil {
		err = host.Decorate(ctx, pr, p)
	}
	return pr, err
}

func find(ctx context.Context, host Host, p Proposal) (PullRequest, bool, error) {
	open, err := host.Open(ctx, p.Base)
	if err != nil {
		return PullRequest{}, false, err
	}
	pr, found := From(open, p.Head)
	return pr, found, nil
}

// From returns the pull request from the branch head, and whether it is among those
// given.
func From(all []PullRequest, head string) (PullRequest, bool) {
	i := slices.IndexFunc(all, func(pr PullRequest) bool { return pr.Head == head })
	if i < 0 {
		return PullRequest{}, false
	}
	return all[i], true
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
		pr, found, findErr := find(ctx, host, p)
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

// Check returns an error that wraps [ErrInvalid] for a proposal that the forge cannot
// carry out. It asks nobody.
func Check(host Host, p Proposal) error {
	if err := p.check(); err != nil {
		return err
	}
	return host.Check(p)
}

// check returns the error for a proposal that no forge can carry out.
func (p Proposal) check() error {
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

// SortedNames returns the names without "" and sorted, each once.
func SortedNames(names []string) []string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	slices.Sort(names)
	return slices.Compact(names)
}

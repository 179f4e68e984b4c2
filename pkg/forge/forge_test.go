package forge

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
)

// host is a forge in memory. Each request to create answers with the next of answers.
type host struct {
	Host
	open    []PullRequest
	answers []error
	calls   []string
	listing error
}

func (h *host) Check(p Proposal) error {
	if len(p.Labels) > 0 {
		return ErrInvalid
	}
	return nil
}

func (h *host) Open(context.Context, string) ([]PullRequest, error) {
	h.calls = append(h.calls, "open")
	return h.open, h.listing
}

func (h *host) Create(_ context.Context, p Proposal) (PullRequest, error) {
	h.calls = append(h.calls, "create")
	if len(h.answers) == 0 {
		return PullRequest{Number: 7, Title: p.Title, Body: p.Body}, nil
	}
	err := h.answers[0]
	h.answers = h.answers[1:]
	return PullRequest{}, err
}

func (h *host) Edit(context.Context, PullRequest, Proposal) error {
	h.calls = append(h.calls, "edit")
	return nil
}

func (h *host) Decorate(context.Context, PullRequest, Proposal) error {
	h.calls = append(h.calls, "decorate")
	return nil
}

// doubt is an error that leaves open whether the request was carried out.
type doubt struct{ lost bool }

func (doubt) Error() string   { return "in doubt" }
func (doubt) Undecided() bool { return true }
func (d doubt) Lost() bool    { return d.lost }

var web = Proposal{Base: "main", Head: "tagbump/web", Title: "web 1.5.0", Body: "table\n"}

// propose starts or refreshes the pull request for p.
func propose(host Host, p Proposal) (PullRequest, error) {
	open, err := host.Open(context.Background(), p.Base)
	if err != nil {
		return PullRequest{}, err
	}
	if pr, found := From(open, p.Head); found {
		return Refresh(context.Background(), host, pr, p)
	}
	return Start(context.Background(), host, p)
}

func TestStartAndRefresh(t *testing.T) {
	refused := errors.New("refused")
	same := PullRequest{Number: 3, Head: web.Head, Title: web.Title, Body: "table\r\n"}
	other := PullRequest{Number: 3, Head: web.Head, Title: "web 1.4.0"}
	for name, test := range map[string]struct {
		host   host
		number int
		reused bool
		err    error
		calls  string
	}{
		"none is open":                    {host{}, 7, false, nil, "open create decorate"},
		"one of another branch is open":   {host{open: []PullRequest{{Number: 1, Head: "tagbump/api"}}}, 7, false, nil, "open create decorate"},
		"the same is open":                {host{open: []PullRequest{same}}, 3, true, nil, "open decorate"},
		"an older one is open":            {host{open: []PullRequest{other}}, 3, true, nil, "open edit decorate"},
		"refused":                         {host{answers: []error{refused}}, 0, false, refused, "open create"},
		"the list cannot be had":          {host{listing: refused}, 0, false, refused, "open"},
		"the answer is lost, for good":    {host{answers: []error{doubt{true}, doubt{true}, doubt{true}}}, 0, false, doubt{true}, "open create open create open create open"},
		"the answer is lost once":         {host{answers: []error{doubt{true}}}, 7, false, nil, "open create open create decorate"},
		"a conflict that nobody explains": {host{answers: []error{doubt{}}}, 0, false, doubt{}, "open create open"},
	} {
		pr, err := propose(&test.host, web)
		if pr.Number != test.number || pr.Reused != test.reused || !errors.Is(err, test.err) || strings.Join(test.host.calls, " ") != test.calls {
			t.Errorf("%s: %+v, %v, %s", name, pr, err, test.host.calls)
		}
	}
}

// TestAnotherRunWasFaster holds whose pull request it is when creating it ends in doubt.
func TestAnotherRunWasFaster(t *testing.T) {
	for name, test := range map[string]struct {
		answer error
		title  string
		reused bool
	}{
		"a conflict":                     {doubt{}, web.Title, true},
		"a lost answer, with our text":   {doubt{true}, web.Title, false},
		"a lost answer, with their text": {doubt{true}, "theirs", true},
	} {
		h := &host{answers: []error{test.answer}, open: []PullRequest{{Number: 4, Head: web.Head, Title: test.title, Body: web.Body}}}
		pr, err := Start(context.Background(), h, web)
		if err != nil || pr.Number != 4 || pr.Reused != test.reused {
			t.Errorf("%s: %+v, %v", name, pr, err)
		}
	}
	h := &host{answers: []error{doubt{}}, listing: errors.New("no list")}
	if _, err := Start(context.Background(), h, web); err == nil || err.Error() != "in doubt\nno list" {
		t.Errorf("%v", err)
	}
}

func TestWrongProposalsAskNobody(t *testing.T) {
	for want, change := range map[string]func(*Proposal){
		"pull request  → main: a branch has no name: the forge cannot grant the request":                        func(p *Proposal) { p.Head = "" },
		"pull request main → main: a branch cannot be merged into itself: the forge cannot grant the request":   func(p *Proposal) { p.Head = "main" },
		"pull request tagbump/web → main: the title is empty: the forge cannot grant the request":               func(p *Proposal) { p.Title = " " },
		"pull request tagbump/web → main: the title has more than one line: the forge cannot grant the request": func(p *Proposal) { p.Title = "a\nb" },
		"the forge cannot grant the request": func(p *Proposal) { p.Labels = []string{"deploy"} },
	} {
		p, h := web, &host{}
		change(&p)
		_, start := Start(context.Background(), h, p)
		_, refresh := Refresh(context.Background(), h, PullRequest{Number: 1}, p)
		for _, err := range []error{start, refresh} {
			if !errors.Is(err, ErrInvalid) || err.Error() != want || len(h.calls) > 0 {
				t.Errorf("%v, want %s; calls %s", err, want, h.calls)
			}
		}
	}
}

func TestRoot(t *testing.T) {
	commit := func(hash string, parents ...string) Commit { return Commit{Hash: hash, Parents: parents} }
	for want, commits := range map[string][]Commit{
		"":      nil,
		"main1": {commit("a", "main1")},
		"main2": {commit("b", "a"), commit("a", "main2")},
		"main3": {commit("a", "main2"), commit("m", "a", "main3")}, // in the other order, and a merge
		"main4": {commit("c", "m"), commit("m", "a", "main4"), commit("a", "main2")},
	} {
		if got := (Comparison{Commits: commits}).Root(); got != want {
			t.Errorf("%v: %q, want %q", commits, got, want)
		}
	}
	if got := (Comparison{Commits: []Commit{commit("a", "b"), commit("b", "a")}}).Root(); got != "" {
		t.Errorf("a circle: %q", got)
	}
	if got := (Comparison{Commits: []Commit{commit("c", "a"), commit("a", "b"), commit("b", "a")}}).Root(); got != "" {
		t.Errorf("a circle below: %q", got)
	}
}

func TestNames(t *testing.T) {
	if got := SortedNames([]string{"b", "", "a", "b"}); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("%q", got)
	}
	if got := Missing([]string{"Deploy", "web", "WEB", "api"}, []string{"deploy"}); !slices.Equal(got, []string{"web", "api"}) {
		t.Errorf("%q", got)
	}
}

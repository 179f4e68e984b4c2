// Package forgetest holds what must be true of every forge's package, as tests
// that run against a fake of that forge.
package forgetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// An Adapter is a forge's package and its fake.
type Adapter struct {
	Start func(testenv.ForgeOptions) *testenv.Forge
	Open  func(apiURL, token string, log func(string, ...any)) (forge.Host, error)
	// Draft reports whether the fake holds the pull request as a draft.
	Draft func(testenv.ForgePull) bool
	// Plain says that the forge has neither labels nor assignees nor auto-merge.
	Plain bool
	// LastPage is 1 when the end of a list shows only on an empty page.
	LastPage int
}

// The repository, the token and the users of every fake.
const (
	Path  = "acme/charts"
	Token = "tok-secret-0123456789"
)

var tips = map[string]string{"main": strings.Repeat("a", 40), "tagbump/web": strings.Repeat("b", 40), "release \"1\"": strings.Repeat("c", 40)}

// compared is what tagbump/web has and main does not: a change, a person's commit, and
// a merge of main between them.
var compared = testenv.ForgeComparison{
	Commits: []testenv.ForgeCommit{
		{Hash: hash('4'), Parents: []string{hash('3')}, Author: "Ada", Message: "raise the memory, too\n", Files: []string{"web/values.yaml"}},
		{Hash: hash('3'), Parents: []string{hash('2'), hash('1')}, Author: "Ada", Message: "Merge branch 'main'\n"},
		{Hash: hash('2'), Parents: []string{hash('0')}, Author: "tagbump", Message: "bump web to 1.4.0\n", Files: []string{"web/Chart.yaml"}},
	},
	Files: []string{"web/Chart.yaml", "web/values.yaml"},
}

func hash(digit byte) string { return strings.Repeat(string(digit), 40) }

func proposal() forge.Proposal {
	return forge.Proposal{Base: "main", Head: "tagbump/web", Title: "bump web to 1.4.0", Body: "| image | tag |\n|---|---|\n"}
}

// A bed is one fake with a client of it.
type bed struct {
	fake   *testenv.Forge
	client forge.Host
	log    *strings.Builder
}

func (a Adapter) bed(t *testing.T) bed {
	t.Helper()
	fake := a.Start(testenv.ForgeOptions{
		Path: Path, Token: Token, Users: []string{"ada", "grace"},
		Tip: func(branch string) (string, bool) { tip, ok := tips[branch]; return tip, ok },
		Compare: func(base, head string) testenv.ForgeComparison {
			if base != "main" || head != "tagbump/web" {
				return testenv.ForgeComparison{}
			}
			return compared
		},
	})
	return bed{fake, a.client(t, fake, Token), new(strings.Builder)}
}

func (a Adapter) client(t *testing.T, fake *testenv.Forge, token string) forge.Host {
	t.Helper()
	apiURL, stop, err := fake.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop() }) //nolint:errcheck // the test is over
	client, err := a.Open(apiURL, token, t.Logf)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// Propose starts or refreshes the pull request for p.
func Propose(ctx context.Context, host forge.Host, p forge.Proposal) (forge.PullRequest, error) {
	if err := forge.Check(host, p); err != nil {
		return forge.PullRequest{}, err
	}
	open, err := host.Open(ctx, p.Base)
	if err != nil {
		return forge.PullRequest{}, err
	}
	if pr, found := forge.From(open, p.Head); found {
		return forge.Refresh(ctx, host, pr, p)
	}
	return forge.Start(ctx, host, p)
}

// Run runs all tests.
func Run(t *testing.T, a Adapter) {
	t.Run("a pull request is opened once, and refreshed", a.openAndRefresh)
	t.Run("what is open already with the same text costs one request", a.unchanged)
	t.Run("a fork's branch of the same name is another", a.fork)
	t.Run("a closed one is not found again", a.closed)
	t.Run("a merged one was not closed by a person", a.merged)
	t.Run("a branch is compared with its base", a.compare)
	t.Run("two runs at once open one", a.twoAtOnce)
	t.Run("a lost answer opens one", a.lostAnswer)
	t.Run("a draft is opened as a draft and stays one", a.draft)
	t.Run("a reviewer is asked once", a.reviewers)
	t.Run("labels, assignees and auto-merge are added once", a.decorations)
	t.Run("one is closed with a comment", a.closeOne)
	t.Run("odd branch names are found", a.oddNames)
	t.Run("refusals have a kind, words and no token", a.refusals)
	t.Run("a rate limit is waited for", a.rateLimit)
	t.Run("the token does not follow a redirect", a.redirect)
	t.Run("a wrong proposal asks nobody", a.invalid)
}

func (a Adapter) openAndRefresh(t *testing.T) {
	b, p := a.bed(t), proposal()
	first, err := Propose(t.Context(), b.client, p)
	if err != nil || first.Reused || first.Number != 1 || !strings.HasPrefix(first.URL, "https://") {
		t.Fatalf("first: %+v, %v", first, err)
	}
	p.Title, p.Body = "bump web to 1.5.0", "newer"
	second, err := Propose(t.Context(), b.client, p)
	if err != nil || !second.Reused || second.Number != 1 {
		t.Fatalf("second: %+v, %v", second, err)
	}
	want := testenv.ForgePull{Number: 1, Open: true, Title: p.Title, Body: p.Body, Head: p.Head, Base: p.Base}
	if got := b.fake.Pulls(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
		t.Errorf("the forge has %+v", got)
	}
}

func (a Adapter) unchanged(t *testing.T) {
	b, p := a.bed(t), proposal()
	b.fake.Add(testenv.ForgePull{Head: p.Head, Base: p.Base, Title: p.Title, Body: strings.ReplaceAll(p.Body, "\n", "\r\n")})
	pr, err := Propose(t.Context(), b.client, p)
	if err != nil || !pr.Reused {
		t.Fatalf("%+v, %v", pr, err)
	}
	if requests := b.fake.Requests(); len(requests) != a.listing() {
		t.Errorf("%d requests: %+v", len(requests), requests)
	}
}

// listing is how many requests a list of few open pull requests takes.
func (a Adapter) listing() int { return 1 + a.LastPage }

func (a Adapter) fork(t *testing.T) {
	b, p := a.bed(t), proposal()
	b.fake.Add(testenv.ForgePull{Head: p.Head, Base: p.Base, Title: p.Title, Fork: true})
	if pr, err := Propose(t.Context(), b.client, p); err != nil || pr.Number != 2 {
		t.Errorf("%+v, %v", pr, err)
	}
}

func (a Adapter) closed(t *testing.T) {
	b, p := a.bed(t), proposal()
	number := b.fake.Add(testenv.ForgePull{Head: p.Head, Base: p.Base, Title: p.Title})
	if err := b.fake.Close(number); err != nil {
		t.Fatal(err)
	}
	if open, err := b.client.Open(t.Context(), p.Base); len(open) > 0 || err != nil {
		t.Errorf("open: %+v, %v", open, err)
	}
	pr, found, err := b.client.Closed(t.Context(), p.Head, p.Base)
	if err != nil || !found || pr.Number != number || pr.State != forge.Closed || pr.Title != p.Title {
		t.Errorf("closed: %+v, %v, %v", pr, found, err)
	}
	if pr, found, err := b.client.Closed(t.Context(), "tagbump/other", p.Base); found || err != nil {
		t.Errorf("another branch: %+v, %v, %v", pr, found, err)
	}
}

func (a Adapter) merged(t *testing.T) {
	b, p := a.bed(t), proposal()
	first := b.fake.Add(testenv.ForgePull{Head: p.Head, Base: p.Base, Title: p.Title})
	second := b.fake.Add(testenv.ForgePull{Head: p.Head, Base: p.Base, Title: p.Title})
	if err := errors.Join(b.fake.Close(first), b.fake.Merge(second)); err != nil {
		t.Fatal(err)
	}
	pr, found, err := b.client.Closed(t.Context(), p.Head, p.Base)
	if err != nil || !found || pr.Number != second || pr.State != forge.Merged {
		t.Errorf("%+v, %v, %v", pr, found, err)
	}
}

func (a Adapter) compare(t *testing.T) {
	b, p := a.bed(t), proposal()
	got, err := b.client.Compare(t.Context(), p.Base, p.Head)
	if err != nil || got.Cut || got.Root() != hash('1') || !slices.Equal(got.Files, compared.Files) || len(got.Commits) != 3 {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, want := range compared.Commits {
		i := slices.IndexFunc(got.Commits, func(c forge.Commit) bool { return c.Hash == want.Hash })
		if i < 0 || got.Commits[i].Author != want.Author || got.Commits[i].Message != want.Message || !slices.Equal(got.Commits[i].Parents, want.Parents) {
			t.Errorf("%+v is not among %+v", want, got.Commits)
		}
	}
	if none, err := b.client.Compare(t.Context(), "release \"1\"", p.Head); err != nil || len(none.Commits) > 0 || none.Root() != "" {
		t.Errorf("without commits: %+v, %v", none, err)
	}
}

func (a Adapter) twoAtOnce(t *testing.T) {
	b, p := a.bed(t), proposal()
	var runs sync.WaitGroup
	for range 8 {
		runs.Go(func() {
			if pr, err := Propose(context.Background(), b.client, p); err != nil || pr.Number != 1 {
				t.Errorf("%+v, %v", pr, err)
			}
		})
	}
	runs.Wait()
	if got := b.fake.Pulls(); len(got) != 1 {
		t.Errorf("the forge has %d", len(got))
	}
}

func (a Adapter) lostAnswer(t *testing.T) {
	b, p := a.bed(t), proposal()
	lost := false
	b.fake.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != http.MethodPost || lost {
			return false
		}
		lost = true
		b.fake.Add(testenv.ForgePull{Head: p.Head, Base: p.Base, Title: p.Title, Body: p.Body})
		panic(http.ErrAbortHandler) // carried out, and the connection is gone
	}
	pr, err := Propose(t.Context(), b.client, p)
	if err != nil || pr.Number != 1 || pr.Reused || len(b.fake.Pulls()) != 1 {
		t.Errorf("%+v, %v, the forge has %d", pr, err, len(b.fake.Pulls()))
	}
}

func (a Adapter) draft(t *testing.T) {
	b, p := a.bed(t), proposal()
	p.Draft = true
	for range 2 {
		if _, err := Propose(t.Context(), b.client, p); err != nil {
			t.Fatal(err)
		}
	}
	p.Title, p.Draft = "bump web to 1.5.0", false
	if _, err := Propose(t.Context(), b.client, p); err != nil {
		t.Fatal(err)
	}
	pull := b.fake.Pulls()[0]
	if !a.Draft(pull) || !strings.HasSuffix(pull.Title, "bump web to 1.5.0") || strings.Count(pull.Title, ": ") > 1 {
		t.Errorf("the forge has %+v", pull)
	}
}

func (a Adapter) reviewers(t *testing.T) {
	b, p := a.bed(t), proposal()
	b.fake.Add(testenv.ForgePull{Head: p.Head, Base: p.Base, Title: p.Title, Body: p.Body, Reviewers: []string{"grace"}})
	p.Reviewers = []string{"Ada", "grace"}
	for range 2 {
		if _, err := Propose(t.Context(), b.client, p); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.fake.Pulls()[0].Reviewers; len(got) != 2 || got[0] != "grace" || !strings.EqualFold(got[1], "ada") {
		t.Errorf("reviewers %q", got)
	}
	p.Reviewers = []string{"nobody"}
	pr, err := Propose(t.Context(), b.client, p)
	if err == nil || pr.Number != 1 || !strings.Contains(err.Error(), "nobody") {
		t.Errorf("an unknown reviewer: %+v, %v", pr, err)
	}
}

func (a Adapter) decorations(t *testing.T) {
	b, p := a.bed(t), proposal()
	p.Labels, p.Assignees, p.AutoMerge = []string{"deploy", "web"}, []string{"ada"}, true
	if a.Plain {
		for _, part := range []forge.Proposal{{Labels: p.Labels}, {Assignees: p.Assignees}, {AutoMerge: true}} {
			part.Base, part.Head, part.Title = p.Base, p.Head, p.Title
			if _, err := Propose(t.Context(), b.client, part); !errors.Is(err, forge.ErrInvalid) || len(b.fake.Requests()) > 0 {
				t.Errorf("%+v: %v, %d requests", part, err, len(b.fake.Requests()))
			}
		}
		return
	}
	for range 2 {
		if _, err := Propose(t.Context(), b.client, p); err != nil {
			t.Fatal(err)
		}
	}
	want := testenv.ForgePull{
		Number: 1, Open: true, Title: p.Title, Body: p.Body, Head: p.Head, Base: p.Base,
		Labels: p.Labels, Assignees: p.Assignees, AutoMerge: true,
	}
	if got := b.fake.Pulls(); len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
		t.Errorf("the forge has\n%+v, want\n%+v", got, want)
	}
}

func (a Adapter) closeOne(t *testing.T) {
	b, p := a.bed(t), proposal()
	number := b.fake.Add(testenv.ForgePull{Head: p.Head, Base: p.Base, Title: p.Title})
	if err := b.client.Close(t.Context(), number, "superseded by #2"); err != nil {
		t.Fatal(err)
	}
	if got := b.fake.Pulls()[0]; got.Open || len(got.Comments) != 1 || got.Comments[0] != "superseded by #2" {
		t.Errorf("the forge has %+v", got)
	}
}

func (a Adapter) oddNames(t *testing.T) {
	b, p := a.bed(t), proposal()
	p.Base = "release \"1\""
	for range 2 {
		if pr, err := Propose(t.Context(), b.client, p); err != nil || pr.Number != 1 {
			t.Errorf("%+v, %v", pr, err)
		}
	}
}

func (a Adapter) refusals(t *testing.T) {
	p := proposal()
	for _, test := range []struct {
		status int
		kind   error
	}{
		{http.StatusUnauthorized, forge.ErrAuth},
		{http.StatusForbidden, forge.ErrAuth},
		{http.StatusNotFound, forge.ErrNotFound},
		{http.StatusGone, forge.ErrNotFound},
		{http.StatusBadRequest, forge.ErrInvalid},
		{http.StatusNotImplemented, forge.ErrUnavailable},
	} {
		b := a.bed(t)
		b.fake.Before = func(w http.ResponseWriter, r *http.Request) bool {
			w.WriteHeader(test.status)
			fmt.Fprintf(w, "<h1>no \x1b[31m%s</h1>", Token)
			return true
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond) // ends the waits before the next try
		_, err := Propose(ctx, b.client, p)
		cancel()
		if !errors.Is(err, test.kind) || strings.Contains(err.Error(), Token) || strings.Contains(err.Error(), "\x1b") {
			t.Errorf("%d: %v", test.status, err)
		}
	}
	b := a.bed(t)
	wrong := a.client(t, b.fake, "another-token")
	if _, err := Propose(t.Context(), wrong, p); !errors.Is(err, forge.ErrAuth) {
		t.Errorf("a wrong token: %v", err)
	} else if hint, ok := err.(interface{ Hint() string }); !ok || !strings.Contains(hint.Hint(), "TOKEN") {
		t.Errorf("a wrong token has no hint: %v", err)
	}
	b.fake.Before = func(w http.ResponseWriter, r *http.Request) bool {
		fmt.Fprint(w, "<html>please sign in</html>")
		return true
	}
	if _, err := Propose(t.Context(), b.client, p); !errors.Is(err, forge.ErrInvalid) {
		t.Errorf("a web page: %v", err)
	}
}

func (a Adapter) rateLimit(t *testing.T) {
	b, p := a.bed(t), proposal()
	var refused atomic.Int32
	b.fake.Before = func(w http.ResponseWriter, r *http.Request) bool {
		if refused.Add(1) > 1 {
			return false
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	if pr, err := Propose(t.Context(), b.client, p); err != nil || pr.Number != 1 {
		t.Errorf("%+v, %v", pr, err)
	}
	b.fake.Before = func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	}
	if _, err := Propose(t.Context(), b.client, p); !errors.Is(err, forge.ErrUnavailable) || !strings.Contains(err.Error(), "rate limit") {
		t.Errorf("an hour: %v", err)
	}
}

func (a Adapter) redirect(t *testing.T) {
	b, p := a.bed(t), proposal()
	var seen atomic.Bool
	other := testenv.NewGitea(testenv.ForgeOptions{Path: Path})
	other.Before = func(w http.ResponseWriter, r *http.Request) bool {
		seen.Store(true)
		return false
	}
	elsewhere, stop, err := other.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer stop() //nolint:errcheck // the test is over
	b.fake.Before = func(w http.ResponseWriter, r *http.Request) bool {
		http.Redirect(w, r, elsewhere, http.StatusFound)
		return true
	}
	if _, err := Propose(t.Context(), b.client, p); !errors.Is(err, forge.ErrInvalid) || seen.Load() {
		t.Errorf("%v; the other host was asked: %v", err, seen.Load())
	}
}

func (a Adapter) invalid(t *testing.T) {
	b := a.bed(t)
	for name, change := range map[string]func(*forge.Proposal){
		"no head":          func(p *forge.Proposal) { p.Head = "" },
		"no base":          func(p *forge.Proposal) { p.Base = "" },
		"into itself":      func(p *forge.Proposal) { p.Head = p.Base },
		"no title":         func(p *forge.Proposal) { p.Title = " " },
		"a title of lines": func(p *forge.Proposal) { p.Title = "a\nb" },
	} {
		p := proposal()
		change(&p)
		if _, err := Propose(t.Context(), b.client, p); !errors.Is(err, forge.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if requests := b.fake.Requests(); len(requests) > 0 {
		t.Errorf("the forge was asked: %+v", requests)
	}
}

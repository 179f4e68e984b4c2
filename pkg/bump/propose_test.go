package bump

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/placeholder"
	"github.com/tagbump/tagbump/pkg/plan"
)

// pulls is a forge in memory, for the repository repo.
type pulls struct {
	repo     *memoryRepo
	all      []forge.PullRequest // by number, from 1
	comments map[int]string
	calls    []string
	cut      bool  // a comparison leaves something out
	refusal  error // of Create
	leftover error // of Decorate
}

func (p *pulls) Check(asked forge.Proposal) error {
	if slices.Contains(asked.Labels, "none") {
		return forge.ErrInvalid
	}
	return nil
}

func (p *pulls) Open(_ context.Context, base string) ([]forge.PullRequest, error) {
	p.calls = append(p.calls, "open")
	var open []forge.PullRequest
	for _, pr := range slices.Backward(p.all) {
		if pr.State == forge.Open && pr.Base == base {
			open = append(open, pr)
		}
	}
	return open, nil
}

func (p *pulls) Closed(_ context.Context, head, base string) (forge.PullRequest, bool, error) {
	p.calls = append(p.calls, "closed")
	for _, pr := range slices.Backward(p.all) {
		if pr.State != forge.Open && pr.Head == head && pr.Base == base {
			return pr, true, nil
		}
	}
	return forge.PullRequest{}, false, nil
}

func (p *pulls) Compare(_ context.Context, base, head string) (forge.Comparison, error) {
	p.calls = append(p.calls, "compare")
	resolve := func(name string) string {
		if tree, found := p.repo.branches[name]; found {
			return tree.tip
		}
		return name
	}
	base, head = resolve(base), resolve(head)
	before := map[string]bool{}
	for next := []string{base}; len(next) > 0; next = next[1:] {
		if c, found := p.repo.commit(next[0]); found && !before[c.tip] {
			before[c.tip] = true
			next = append(next, c.parents...)
		}
	}
	diff := forge.Comparison{Cut: p.cut}
	seen := map[string]bool{}
	for next := []string{head}; len(next) > 0; next = next[1:] {
		if c, found := p.repo.commit(next[0]); found && !before[c.tip] && !seen[c.tip] {
			seen[c.tip] = true
			diff.Commits = append(diff.Commits, forge.Commit{Hash: c.tip, Parents: c.parents, Author: "Grace", Message: c.message})
			next = append(next, c.parents...)
		}
	}
	root, _ := p.repo.commit(diff.Root())
	tip, _ := p.repo.commit(head)
	for name, file := range tip.MapFS {
		if old := root.MapFS[name]; old == nil || string(old.Data) != string(file.Data) {
			diff.Files = append(diff.Files, name)
		}
	}
	slices.Sort(diff.Files)
	return diff, nil
}

func (p *pulls) Create(_ context.Context, asked forge.Proposal) (forge.PullRequest, error) {
	p.calls = append(p.calls, "create")
	if p.refusal != nil {
		return forge.PullRequest{}, p.refusal
	}
	number := len(p.all) + 1
	pr := forge.PullRequest{
		Number: number, URL: fmt.Sprintf("https://forge.example/acme/charts/pulls/%d", number),
		Title: asked.Title, Body: asked.Body, Head: asked.Head, Base: asked.Base, Draft: asked.Draft,
	}
	p.all = append(p.all, pr)
	return pr, nil
}

func (p *pulls) Edit(_ context.Context, pr forge.PullRequest, asked forge.Proposal) error {
	p.calls = append(p.calls, "edit")
	p.all[pr.Number-1].Title, p.all[pr.Number-1].Body = asked.Title, asked.Body
	return nil
}

func (p *pulls) Decorate(context.Context, forge.PullRequest, forge.Proposal) error { return p.leftover }

func (p *pulls) Close(_ context.Context, number int, comment string) error {
	p.calls = append(p.calls, "close")
	p.all[number-1].State = forge.Closed
	if p.comments == nil {
		p.comments = map[int]string{}
	}
	p.comments[number] = comment
	return nil
}

// A desk is a repository, its forge, and runs that propose acme/web in production.
type desk struct {
	t    *testing.T
	repo *memoryRepo
	hub  *pulls
}

const productionWeb = "image: {repository: acme/web, tag: \"1.0\"} # pinned\nreplicas: 2\n"

func newDesk(t *testing.T) desk {
	repo := newRepo(map[string]string{"web.yaml": productionWeb, "rbac.yaml": "role: viewer\n"})
	return desk{t, repo, &pulls{repo: repo}}
}

func (d desk) try(tag string, change func(*Request)) (Report, error) {
	d.hub.calls = nil
	req := pushOf(tag)
	req.Publish, req.To = Propose, "production"
	if change != nil {
		change(&req)
	}
	return Runner{Registry: registry, Repo: d.repo, Forge: d.hub, Sleep: noSleep}.Run(context.Background(), req)
}

func (d desk) propose(tag string) Report {
	d.t.Helper()
	report, err := d.try(tag, nil)
	if err != nil {
		d.t.Fatal(err)
	}
	return report
}

// edit lets somebody else change the files of a branch.
func (d desk) edit(branch string, files map[string]string) {
	contents := map[string][]byte{}
	for name, text := range files {
		contents[name] = []byte(text)
	}
	d.repo.write(branch, d.repo.branches[branch].MapFS, contents)
}

// state lists the pull requests, "#1 open TITLE".
func (d desk) state() string {
	var lines []string
	for _, pr := range d.hub.all {
		state := [...]string{"open", "merged", "closed"}[pr.State]
		lines = append(lines, fmt.Sprintf("#%d %s %s: %s", pr.Number, state, pr.Head, pr.Title))
	}
	return strings.Join(lines, "\n")
}

func (d desk) expect(state string) {
	d.t.Helper()
	if got := d.state(); got != state {
		d.t.Errorf("the forge has\n%s\nwant\n%s", got, state)
	}
}

const webHead = "tagbump/production/web"

func TestOneBranchAndOnePullRequest(t *testing.T) {
	d := newDesk(t)
	first := d.propose("1.1")
	if want := "open closed create"; strings.Join(d.hub.calls, " ") != want {
		t.Errorf("calls to open: %s", d.hub.calls)
	}
	again := d.propose("1.1")
	if want := "open compare"; strings.Join(d.hub.calls, " ") != want {
		t.Errorf("calls when nothing is new: %s", d.hub.calls)
	}
	if first.Head != webHead || again.Head != webHead || first.State != Proposed || again.State != Proposed || again.Commit != "" ||
		first.PullRequest.Reused || !again.PullRequest.Reused || len(d.repo.saves) != 1 {
		t.Errorf("%+v\n%+v\n%d saves", first.Outcome, again.Outcome, len(d.repo.saves))
	}
	d.expect("#1 open tagbump/production/web: production: web 1.0 → 1.1")
	if got := d.repo.file(t, "main", "web.yaml"); got != productionWeb {
		t.Errorf("main has changed:\n%s", got)
	}
}

func TestANewerTagRefreshesTheSamePullRequest(t *testing.T) {
	d := newDesk(t)
	first := d.propose("1.1")
	d.propose("1.2")
	if want := "open compare edit"; strings.Join(d.hub.calls, " ") != want {
		t.Errorf("calls to refresh: %s", d.hub.calls)
	}
	d.expect("#1 open tagbump/production/web: production: web 1.0 → 1.2")
	if len(d.repo.saves) != 2 || d.repo.saves[1].Old != first.Commit {
		t.Errorf("saves: %+v", d.repo.saves)
	}
	if got, want := d.repo.file(t, webHead, "web.yaml"), strings.Replace(productionWeb, "1.0", "1.2", 1); got != want {
		t.Errorf("the branch has\n%s", got)
	}
	tip, _ := d.repo.commit(d.repo.branches[webHead].tip)
	if !slices.Equal(tip.parents, []string{"c0"}) {
		t.Errorf("the commit is on %s", tip.parents)
	}
}

func TestAnOlderTagDoesNotReplaceANewerProposal(t *testing.T) {
	for name, test := range map[string]struct {
		answer OnStale
		state  State
		title  string
		failed bool
	}{
		"fail":  {Fail, Unchanged, "1.2", true},
		"skip":  {Skip, Declined, "1.2", false},
		"allow": {Allow, Proposed, "1.1", false},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.propose("1.2")
			report, err := d.try("1.1", func(req *Request) { req.OnStale = test.answer })
			if report.State != test.state || (err != nil) != test.failed || test.failed && !errors.Is(err, ErrDeclined) {
				t.Errorf("%v, %v", report.State, err)
			}
			d.expect("#1 open tagbump/production/web: production: web 1.0 → " + test.title)
		})
	}
}

func TestTheBranchStaysWhereItCanBeMerged(t *testing.T) {
	d := newDesk(t)
	d.propose("1.1")
	d.edit("main", map[string]string{"rbac.yaml": "role: editor\n"})
	d.propose("1.1")
	if len(d.repo.saves) != 1 {
		t.Errorf("another file of main has changed, and the branch was made anew")
	}
	d.edit("main", map[string]string{"web.yaml": strings.Replace(productionWeb, "replicas: 2", "replicas: 5", 1)})
	d.propose("1.1")
	if len(d.repo.saves) != 2 {
		t.Errorf("the same file of main has changed, and the branch stayed")
	}
	if got, want := d.repo.file(t, webHead, "web.yaml"), "image: {repository: acme/web, tag: \"1.1\"} # pinned\nreplicas: 5\n"; got != want {
		t.Errorf("the branch has\n%s", got)
	}
}

// TestWhatSomebodyElseDidIsKept holds that nothing is written, and nothing said in
// tagbump's name, once a branch holds something that tagbump did not write.
func TestWhatSomebodyElseDidIsKept(t *testing.T) {
	raised := strings.Replace(strings.Replace(productionWeb, "1.0", "1.1", 1), "replicas: 2", "replicas: 9", 1)
	for name, test := range map[string]struct {
		meddle func(d desk)
		want   string
	}{
		"a commit on top": {func(d desk) { d.edit(webHead, map[string]string{"web.yaml": raised}) }, "commit c2 by Grace: by hand"},
		"a commit on top of the values that tagbump changes": {
			func(d desk) {
				d.edit(webHead, map[string]string{"web.yaml": strings.Replace(productionWeb, "1.0", "1.3", 1)})
			},
			"commit c2 by Grace: by hand",
		},
		"a commit below": {
			func(d desk) {
				message := d.repo.saves[0].Message
				d.repo.record(webHead, d.repo.branches["main"], map[string][]byte{"rbac.yaml": []byte("role: cluster-admin\n")}, "prepare\n")
				d.repo.record(webHead, d.repo.branches[webHead], d.repo.saves[0].Files, message)
			},
			"by Grace: prepare",
		},
		"a forged commit that changes more files": {
			func(d desk) {
				files := map[string][]byte{"rbac.yaml": []byte("role: cluster-admin\n")}
				for name, content := range d.repo.saves[0].Files {
					files[name] = content
				}
				d.repo.record(webHead, d.repo.branches["main"], files, d.repo.saves[0].Message)
			},
			"it changes rbac.yaml in another way than this run does",
		},
		"a forged commit that changes more of the same file": {
			func(d desk) {
				d.repo.record(webHead, d.repo.branches["main"], map[string][]byte{"web.yaml": []byte(raised)}, d.repo.saves[0].Message)
			},
			"it changes web.yaml in another way than this run does",
		},
		"a forged commit without the image": {
			func(d desk) {
				d.repo.record(webHead, d.repo.branches["main"], map[string][]byte{"web.yaml": []byte("image: {repository: acme/api, tag: \"1\"}\n")}, d.repo.saves[0].Message)
			},
			"web.yaml",
		},
	} {
		for _, open := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, open %v", name, open), func(t *testing.T) {
				d := newDesk(t)
				d.propose("1.1")
				test.meddle(d)
				if !open {
					d.hub.all = nil
				}
				before, tip := d.state(), d.repo.branches[webHead].tip
				_, err := d.try("1.2", nil)
				if !errors.Is(err, ErrTouched) || fault.KindOf(err) != fault.Guard || !strings.Contains(err.Error(), test.want) || fault.HintOf(err) == "" {
					t.Errorf("%v, want %s", err, test.want)
				}
				if d.repo.branches[webHead].tip != tip {
					t.Error("the branch was moved")
				}
				d.expect(before)
			})
		}
	}
}

func TestABranchThatTheForgeDoesNotShowWholeIsKept(t *testing.T) {
	d := newDesk(t)
	d.propose("1.1")
	d.hub.cut = true
	if _, err := d.try("1.2", nil); !errors.Is(err, ErrTouched) || len(d.repo.saves) != 1 {
		t.Errorf("%v, %d saves", err, len(d.repo.saves))
	}
}

func TestWhoWroteABranch(t *testing.T) {
	bump := forge.Commit{Hash: "c1", Parents: []string{"c0"}, Author: "ci", Message: bumped}
	byHand := forge.Commit{Hash: "c2", Parents: []string{"c1"}, Author: "Grace", Message: "prepare\n"}
	const more = "tagbump/web: the branch holds changes of somebody else: it holds more commits or files than the forge lists"
	for _, test := range []struct {
		name string
		diff forge.Comparison
		want string // an error
	}{
		{"all of it is in the base", forge.Comparison{}, ""},
		{"a bump", forge.Comparison{Commits: []forge.Commit{bump}, Files: []string{"web.yaml"}}, ""},
		{"nothing is shown", forge.Comparison{Cut: true}, more},
		{"files without commits", forge.Comparison{Files: []string{"web.yaml"}}, more},
		{"a commit without files", forge.Comparison{Commits: []forge.Commit{byHand, bump}}, "commit c2 by Grace: prepare"},
	} {
		err := writtenByUs("tagbump/web", test.diff)
		if test.want == "" && err != nil || test.want != "" && (!errors.Is(err, ErrTouched) || !strings.HasSuffix(err.Error(), test.want)) {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

func TestAMergeOfTheBaseIsNobodysWork(t *testing.T) {
	d := newDesk(t)
	d.propose("1.1")
	d.edit("main", map[string]string{"rbac.yaml": "role: editor\n"})
	merged := fstest.MapFS{"web.yaml": d.repo.branches[webHead].MapFS["web.yaml"], "rbac.yaml": d.repo.branches["main"].MapFS["rbac.yaml"]}
	tree := memoryTree{merged, webHead, "m1"}
	d.repo.history = append(d.repo.history, memoryCommit{tree, []string{d.repo.branches[webHead].tip, d.repo.branches["main"].tip}, "Merge branch 'main'"})
	d.repo.branches[webHead] = tree
	d.propose("1.1")
	if len(d.repo.saves) != 1 {
		t.Error("the branch was made anew")
	}
	d.propose("1.2")
	d.expect("#1 open tagbump/production/web: production: web 1.0 → 1.2")
}

func TestALeftOverBranchIsUsed(t *testing.T) {
	d := newDesk(t)
	d.hub.refusal = forge.ErrAuth
	report, err := d.try("1.1", nil)
	if !errors.Is(err, forge.ErrAuth) || report.State != Pushed || report.PullRequest != nil {
		t.Fatalf("%v, %v", report.State, err)
	}
	d.hub.refusal = nil
	d.propose("1.1")
	d.expect("#1 open tagbump/production/web: production: web 1.0 → 1.1")
	if len(d.repo.saves) != 1 {
		t.Errorf("%d saves", len(d.repo.saves))
	}
}

func TestAPersonWhoClosedItIsObeyed(t *testing.T) {
	d := newDesk(t)
	d.propose("1.1")
	d.hub.all[0].State = forge.Closed
	_, err := d.try("1.1", nil)
	if want := "pull request #1 (https://forge.example/acme/charts/pulls/1) was closed without a merge"; !errors.Is(err, ErrDeclined) || err.Error() != want {
		t.Errorf("%v", err)
	}
	if report, err := d.try("1.1", func(req *Request) { req.OnStale = Skip }); err != nil || report.State != Declined || report.PullRequest.Number != 1 {
		t.Errorf("skip: %+v, %v", report.Outcome, err)
	}
	d.expect("#1 closed tagbump/production/web: production: web 1.0 → 1.1")
	d.propose("1.2")
	d.expect("#1 closed tagbump/production/web: production: web 1.0 → 1.1\n#2 open tagbump/production/web: production: web 1.0 → 1.2")
}

func TestAMergedOneIsNoReasonToStop(t *testing.T) {
	d := newDesk(t)
	d.propose("1.1")
	d.hub.all[0].State = forge.Merged // and somebody has set main back since
	d.edit(webHead, map[string]string{"rbac.yaml": "role: editor\n"})
	d.propose("1.1")
	d.expect("#1 merged tagbump/production/web: production: web 1.0 → 1.1\n#2 open tagbump/production/web: production: web 1.0 → 1.1")
}

func TestOthersForTheSameImagesAreSuperseded(t *testing.T) {
	d := newDesk(t)
	elsewhere := func(req *Request) { req.Proposal.Head = "deploy/web" }
	if _, err := d.try("1.1", elsewhere); err != nil {
		t.Fatal(err)
	}
	if _, err := d.try("1.1", func(req *Request) { req.To = "staging" }); err != nil {
		t.Fatal(err)
	}
	d.hub.all = append(d.hub.all, forge.PullRequest{Number: 3, Head: "feature/x", Base: "main", Title: "by hand"})
	report := d.propose("1.2")
	d.expect(`#1 closed deploy/web: production: web 1.0 → 1.1
#2 open tagbump/staging/web: staging: web 1.0 → 1.1
#3 open feature/x: by hand
#4 open tagbump/production/web: production: web 1.0 → 1.2`)
	if got, want := d.hub.comments[1], "Superseded by #4: https://forge.example/acme/charts/pulls/4"; got != want || len(report.Closed) != 1 || report.Closed[0].Number != 1 {
		t.Errorf("comment %q, closed %+v", got, report.Closed)
	}
}

func TestOneThatTagbumpClosedWasNotClosedByAPerson(t *testing.T) {
	d := newDesk(t)
	d.propose("1.1")
	if _, err := d.try("1.1", func(req *Request) { req.Proposal.Head = "deploy/web" }); err != nil {
		t.Fatal(err)
	}
	d.propose("1.1")
	d.expect(`#1 closed tagbump/production/web: production: web 1.0 → 1.1
#2 closed deploy/web: production: web 1.0 → 1.1
#3 open tagbump/production/web: production: web 1.0 → 1.1`)
	if body := d.hub.all[0].Body; !parseMark(body).isZero() || !strings.Contains(body, "| `acme/web` | `1.0` | `1.1` |") {
		t.Errorf("the closed one says\n%s", body)
	}
}

func TestATouchedOneIsNotSuperseded(t *testing.T) {
	d := newDesk(t)
	if _, err := d.try("1.1", func(req *Request) { req.Proposal.Head = "deploy/web" }); err != nil {
		t.Fatal(err)
	}
	d.edit("deploy/web", map[string]string{"rbac.yaml": "role: editor\n"})
	if report := d.propose("1.2"); len(report.Closed) > 0 || d.hub.all[0].State != forge.Open {
		t.Errorf("closed %+v", report.Closed)
	}
}

func TestAChangeThatLandedOtherwiseClosesThePullRequest(t *testing.T) {
	for tag, state := range map[string]string{"1.1": "closed", "1.2": "closed"} {
		d := newDesk(t)
		d.propose("1.1")
		d.edit("main", map[string]string{"web.yaml": strings.Replace(productionWeb, "1.0", tag, 1)})
		report := d.propose(tag)
		d.expect("#1 " + state + " tagbump/production/web: production: web 1.0 → 1.1")
		if want := "`main` has this change already, or a newer one, at c2. Closed, because nothing is left to merge."; d.hub.comments[1] != want || report.State != Unchanged || len(report.Closed) != 1 {
			t.Errorf("%s: comment %q, %+v", tag, d.hub.comments[1], report.Outcome)
		}
	}
	d := newDesk(t)
	d.propose("1.2")
	d.edit("main", map[string]string{"web.yaml": strings.Replace(productionWeb, "1.0", "1.1", 1)})
	if report := d.propose("1.1"); len(report.Closed) > 0 {
		t.Error("an older run closed the pull request of a newer tag")
	}
	d.expect("#1 open tagbump/production/web: production: web 1.0 → 1.2")
}

func TestTwoJobsAtOnceMakeOnePullRequest(t *testing.T) {
	d := newDesk(t)
	d.repo.rivals = []func(*memoryRepo){func(*memoryRepo) { d.rival("1.2") }}
	report := d.propose("1.2")
	if report.Attempts != 2 {
		t.Errorf("%d attempts", report.Attempts)
	}
	d.expect("#1 open tagbump/production/web: production: web 1.0 → 1.2")
}

// rival is another job that proposes the same.
func (d desk) rival(tag string) {
	d.t.Helper()
	if _, err := d.try(tag, nil); err != nil {
		d.t.Error(err)
	}
}

func TestWhatTheForgeCannotDoIsSaidBeforeAnythingIsPushed(t *testing.T) {
	d := newDesk(t)
	_, err := d.try("1.1", func(req *Request) { req.Proposal.Labels = []string{"none"} })
	if !errors.Is(err, forge.ErrInvalid) || len(d.repo.saves) > 0 {
		t.Errorf("%v, %d saves", err, len(d.repo.saves))
	}
	for head, want := range map[string]string{
		"main":         "the pull request's branch is main, which it is to change",
		"refs/heads/x": `the pull request's branch is "refs/heads/x": that is a ref and not the name of a branch`,
	} {
		_, err = d.try("1.1", func(req *Request) { req.Proposal.Head = head })
		if !errors.Is(err, fault.Usage) || err.Error() != want || len(d.repo.saves) > 0 {
			t.Errorf("%v, %d saves", err, len(d.repo.saves))
		}
	}
}

func TestAPullRequestThatLacksSomethingIsReported(t *testing.T) {
	d := newDesk(t)
	d.hub.leftover = fmt.Errorf("auto-merge: %w", forge.ErrInvalid)
	report, err := d.try("1.1", nil)
	if !errors.Is(err, forge.ErrInvalid) || report.State != Proposed || report.PullRequest.Number != 1 {
		t.Errorf("%+v, %v", report.Outcome, err)
	}
}

func TestAnotherImageOfTheSameShortNameHasItsOwnBranch(t *testing.T) {
	repo := newRepo(map[string]string{"a.yaml": "image: acme/web:1.0\n", "b.yaml": "image: ghcr.io/other/web:1.0\n"})
	d := desk{t, repo, &pulls{repo: repo}}
	d.propose("1.1")
	_, err := d.try("1.1", func(req *Request) {
		req.Images = []Image{{Repository: "ghcr.io/other/web", Source: Given{Tag: "1.1"}, Unverified: true}}
	})
	if err != nil {
		t.Fatal(err)
	}
	d.expect("#1 open tagbump/production/web: production: web 1.0 → 1.1\n#2 open tagbump/production/web-5bb10b7a: production: web 1.0 → 1.1")
}

func TestBranchNames(t *testing.T) {
	named := func(environment, base string, repositories ...string) string {
		req := Request{To: environment}
		for _, repository := range repositories {
			req.Images = append(req.Images, Image{Repository: repository})
		}
		return req.head(Outcome{Branch: base})
	}
	if a, b := named("production", "main", "acme/web", "acme/api", "nginx"), named("production", "main", "docker.io/library/nginx", "acme/web", "acme/api"); a != b || !strings.HasPrefix(a, "tagbump/production/api-and-2-more-") {
		t.Errorf("%s, %s", a, b)
	}
	for want, got := range map[string]string{
		"tagbump/production/web":  named("production", "main", "ghcr.io/acme/web"),
		"tagbump/release-1.0/web": named("", "release/1.0", "acme/web"),
		"tagbump/dev-x/web":       named("dev..x.lock", "main", "acme/web"),
	} {
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestMarks(t *testing.T) {
	m := mark{"production", []image.Ref{{Repository: "ghcr.io:443/acme/web", Tag: "1.4.0"}, {Repository: "nginx", Tag: "1"}}}
	body := "`[tagbump]: # \"staging acme/evil:1\"`\r\n\r\n" + m.String() + "\r\n"
	if got := parseMark(body); !got.sameTags(m) || got.environment != "production" {
		t.Errorf("%+v", got)
	}
	if got := parseMark(mark{images: m.images}.String()); !got.sameTags(mark{images: m.images}) {
		t.Errorf("without an environment: %+v", got)
	}
	for _, body := range []string{"", "[tagbump]: # \"\"", "> [tagbump]: # \"production nginx:1\"", "[tagbump]: # \"production `x`:1\""} {
		if got := parseMark(body); !got.isZero() {
			t.Errorf("%q: %+v", body, got)
		}
	}
	older := mark{"production", []image.Ref{{Repository: "docker.io/library/nginx", Tag: "0.9"}}}
	if !m.covers(older) || older.covers(m) || m.sameTags(older) || m.covers(mark{"staging", older.images}) || m.covers(mark{environment: "production"}) {
		t.Error("covers or sameTags is wrong")
	}
}

func mustText(t *testing.T, text string) placeholder.Text {
	t.Helper()
	parsed, err := placeholder.Parse(text, MessagePlaceholders...)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestAFileThatWasNotReadIsForeign(t *testing.T) {
	tree := scene{Tree: memoryTree{MapFS: fstest.MapFS{}}}
	if _, _, err := (leveled{root: tree, head: tree}).both("secret.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
	if sameFiles(&plan.Plan{Files: []plan.File{{Name: "a.yaml"}}}, tree, tree) {
		t.Error("files that are not there count as the same")
	}
}

package bump

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/policy"
)

// memoryRepo is a repository in memory: branches of files.
type memoryRepo struct {
	branches map[string]memoryTree
	rivals   []func(*memoryRepo) // each moves the branch before one Save
	saves    []Commit
	commits  []CommitInfo // of Log
	history  []memoryCommit
	past     History // of History; without Commits those of Log
}

// A memoryCommit is one state that a branch had.
type memoryCommit struct {
	memoryTree
	parents []string
	message string
}

func (r *memoryRepo) commit(hash string) (memoryCommit, bool) {
	for _, c := range r.history {
		if c.tip == hash {
			return c, true
		}
	}
	return memoryCommit{}, false
}

type memoryTree struct {
	fstest.MapFS
	branch, tip string
}

func (t memoryTree) Branch() string { return t.branch }
func (t memoryTree) Tip() string    { return t.tip }

func (r *memoryRepo) Read(_ context.Context, at Revision, _ files.Selection) (Tree, error) {
	branch := at.Branch
	if branch == "" {
		branch = "main"
	}
	tree, found := r.branches[branch]
	if at.Commit != "" {
		var c memoryCommit
		c, found = r.commit(at.Commit)
		tree = c.memoryTree
	}
	if !found {
		return nil, fmt.Errorf("%s: no such branch", branch)
	}
	return memoryTree{tree.MapFS, branch, tree.tip}, nil
}

func (r *memoryRepo) Log(context.Context, Revision, []string, int) ([]CommitInfo, error) {
	return r.commits, nil
}

// History is the past, from the commit that is named on.
func (r *memoryRepo) History(_ context.Context, at Revision, names []string, most int) (History, error) {
	from := max(0, slices.IndexFunc(r.past.Commits, func(c CommitInfo) bool { return c.Hash == at.Commit }))
	h := History{Commits: r.past.Commits[from:min(len(r.past.Commits), from+most)], Files: map[string][]Version{}}
	h.More = from+len(h.Commits) < len(r.past.Commits)
	for _, name := range names {
		for _, v := range r.past.Files[name] {
			if v.Commit < from {
				continue
			}
			if v.Commit = v.Commit - from; v.Commit >= len(h.Commits) {
				h.Files[name] = append(h.Files[name], Version{len(h.Commits), v.Data})
				break
			}
			h.Files[name] = append(h.Files[name], v)
		}
	}
	return h, nil
}

func (r *memoryRepo) Tip(_ context.Context, branch string) (string, error) {
	return r.branches[branch].tip, nil
}

func (r *memoryRepo) Save(_ context.Context, base Tree, c Commit) (Saved, error) {
	if len(r.rivals) > 0 {
		rival := r.rivals[0]
		r.rivals = r.rivals[1:]
		rival(r)
	}
	branch, old := c.Branch, c.Old
	if branch == "" {
		branch, old = base.Branch(), base.Tip()
	}
	if r.branches[branch].tip != old {
		return Saved{}, fmt.Errorf("rejected: %w", ErrMoved)
	}
	r.record(branch, base.(memoryTree), c.Files, c.Message)
	r.saves = append(r.saves, c)
	return Saved{Pushed, r.branches[branch].tip}, nil
}

// write makes a commit of somebody else.
func (r *memoryRepo) write(branch string, base fstest.MapFS, files map[string][]byte) {
	r.record(branch, memoryTree{base, branch, r.branches[branch].tip}, files, "by hand\n")
}

func (r *memoryRepo) record(branch string, base memoryTree, files map[string][]byte, message string) {
	next := fstest.MapFS{}
	for name, file := range base.MapFS {
		next[name] = file
	}
	for name, content := range files {
		next[name] = &fstest.MapFile{Data: content}
	}
	tree := memoryTree{next, branch, fmt.Sprintf("c%d", len(r.history))}
	r.branches[branch] = tree
	r.history = append(r.history, memoryCommit{tree, []string{base.tip}, message})
}

func (r *memoryRepo) file(t *testing.T, branch, name string) string {
	t.Helper()
	content, err := fs.ReadFile(r.branches[branch], name)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func newRepo(files map[string]string) *memoryRepo {
	tree := fstest.MapFS{}
	for name, content := range files {
		tree[name] = &fstest.MapFile{Data: []byte(content)}
	}
	first := memoryTree{tree, "main", "c0"}
	return &memoryRepo{branches: map[string]memoryTree{"main": first}, history: []memoryCommit{{memoryTree: first}}}
}

// tags is a registry whose images are their tags' creation times.
type tags map[string]map[string]time.Time

func (r tags) TagsWithPrefix(_ context.Context, repository, _ string) ([]string, error) {
	var all []string
	for tag := range r[repository] {
		all = append(all, tag)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s: no such repository: %w", repository, fault.NotFound)
	}
	return all, nil
}

func (r tags) InspectFor(_ context.Context, ref image.Ref, _ []string) (image.Info, error) {
	created, found := r[ref.Repository][ref.Tag]
	if !found {
		return image.Info{}, fmt.Errorf("%s: no such tag: %w", ref, fault.NotFound)
	}
	return image.Info{Digest: digestOf(ref.Tag), Platforms: []string{"linux/arm64"}, Created: created}, nil
}

func (r tags) InspectAll(ctx context.Context, repository string, wanted []string) (map[string]image.Info, error) {
	infos := map[string]image.Info{}
	for _, tag := range wanted {
		info, err := r.InspectFor(ctx, image.Ref{Repository: repository, Tag: tag}, nil)
		if err != nil {
			return nil, err
		}
		infos[tag] = info
	}
	return infos, nil
}

func (r tags) First(ctx context.Context, repository string, wanted []string, fits func(image.Info) bool) (string, bool, error) {
	for _, tag := range wanted {
		info, err := r.InspectFor(ctx, image.Ref{Repository: repository, Tag: tag}, nil)
		if err != nil || fits(info) {
			return tag, err == nil, err
		}
	}
	return "", false, nil
}

func (r tags) WaitForTag(ctx context.Context, ref image.Ref, _ time.Duration, waiting func(time.Duration)) error {
	waiting(0)
	_, err := r.InspectFor(ctx, ref, nil)
	return err
}

func digestOf(tag string) string { return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(tag))) }

func noSleep(context.Context, time.Duration) error { return nil }

// web is the image acme/web with a given tag.
func web(tag string) Image { return Image{Repository: "acme/web", Source: Given{Tag: tag}} }

const webFile = "# the shop\nimage: {repository: acme/web, tag: \"1.0\"} # pinned\n"

var registry = tags{"acme/web": {"1.0": day(1), "1.1": day(2), "1.2": day(3)}, "acme/api": {"7": day(1)}}

func day(n int) time.Time { return time.Date(2024, 6, n, 0, 0, 0, 0, time.UTC) }

func pushOf(tag string) Request {
	return Request{Images: []Image{web(tag)}, Publish: Save}
}

func mustPolicy(t *testing.T, rule policy.Rule) *policy.Policy {
	t.Helper()
	p, err := policy.New(rule)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustPath(t *testing.T, text string) keypath.Path {
	t.Helper()
	path, err := keypath.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestALostRaceIsPlannedAgainOnTheNewTip(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile})
	repo.rivals = []func(*memoryRepo){func(r *memoryRepo) {
		r.write("main", r.branches["main"].MapFS, map[string][]byte{"web.yaml": []byte("replicas: 3 # new\n" + webFile)})
	}}
	report, err := Runner{Registry: registry, Repo: repo, Sleep: noSleep}.Run(context.Background(), pushOf("1.2"))
	if err != nil {
		t.Fatal(err)
	}
	want := "replicas: 3 # new\n" + strings.Replace(webFile, "1.0", "1.2", 1)
	if got := repo.file(t, "main", "web.yaml"); got != want || report.Attempts != 2 {
		t.Errorf("after %d attempts:\n%swant:\n%s", report.Attempts, got, want)
	}
}

func TestARivalWithTheSameChangeLeavesNothingToDo(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile})
	repo.rivals = []func(*memoryRepo){func(r *memoryRepo) {
		r.write("main", r.branches["main"].MapFS, map[string][]byte{"web.yaml": []byte(strings.Replace(webFile, "1.0", "1.2", 1))})
	}}
	report, err := Runner{Registry: registry, Repo: repo, Sleep: noSleep}.Run(context.Background(), pushOf("1.2"))
	if err != nil || report.Changed() || report.Commit != "" || len(repo.saves) != 0 {
		t.Errorf("%+v, %v, %d saves", report, err, len(repo.saves))
	}
}

func TestARivalWithANewerTagIsNotRolledBack(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile})
	repo.rivals = []func(*memoryRepo){func(r *memoryRepo) {
		r.write("main", r.branches["main"].MapFS, map[string][]byte{"web.yaml": []byte(strings.Replace(webFile, "1.0", "1.2", 1))})
	}}
	req := pushOf("1.1")
	req.Images[0].Policy = mustPolicy(t, policy.Rule{Match: `^\d+\.\d+$`, Order: "alphabetical"})
	_, err := Runner{Registry: registry, Repo: repo, Sleep: noSleep}.Run(context.Background(), req)
	if !errors.Is(err, ErrStale) {
		t.Errorf("%v, want ErrStale", err)
	}
	if got := repo.file(t, "main", "web.yaml"); !strings.Contains(got, `"1.2"`) {
		t.Errorf("rolled back:\n%s", got)
	}
}

func TestAfterFiftyLostRacesItGivesUp(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile})
	for range 60 {
		repo.rivals = append(repo.rivals, func(r *memoryRepo) { r.write("main", r.branches["main"].MapFS, nil) })
	}
	waits := 0
	runner := Runner{Registry: registry, Repo: repo, Sleep: func(context.Context, time.Duration) error { waits++; return nil }}
	_, err := runner.Run(context.Background(), pushOf("1.2"))
	if err == nil || err.Error() != "push to main: the branch has moved (50 attempts)" || waits != 49 {
		t.Errorf("%v after %d waits", err, waits)
	}
}

func TestPreviewSavesNothing(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile})
	req := pushOf("1.2")
	req.Publish = Preview
	report, err := Runner{Registry: registry, Repo: repo}.Run(context.Background(), req)
	if err != nil || len(repo.saves) != 0 || !report.Changed() {
		t.Fatalf("%v, %d saves, changed %v", err, len(repo.saves), report.Changed())
	}
	if diff := string(report.Plan.Diff()); !strings.Contains(diff, "+image: {repository: acme/web, tag: \"1.2\"} # pinned\n") {
		t.Errorf("diff:\n%s", diff)
	}
}

func TestNewestLooksAtEveryCandidate(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile})
	shuffled := tags{"acme/web": {"z": day(1), "a": day(9), "m": day(5)}}
	req := Request{Images: []Image{{Repository: "acme/web", Source: ByPolicy{}, Policy: mustPolicy(t, policy.Rule{Order: "newest"})}}, Publish: Save}
	report, err := Runner{Registry: shuffled, Repo: repo}.Run(context.Background(), req)
	if err != nil || report.Images[0].Tag != "a" || report.Images[0].Source != SourcePolicy {
		t.Errorf("%+v, %v", report.Images, err)
	}
}

func TestTheCommitTellsWhatAndWhere(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile, "api.yaml": "image: acme/api:6\n"})
	req := Request{
		Images:  []Image{web("1.2"), {Repository: "acme/api", Source: Given{Tag: "7"}}},
		To:      "production",
		Publish: Save,
	}
	if _, err := (Runner{Registry: registry, Repo: repo}).Run(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	want := `bump 2 images in production

web.yaml: image.tag: 1.0 -> 1.2
api.yaml: image: 6 -> 7

Tagbump-Image: acme/web:1.2@sha256:77ac319bfe1979e2d799d9e6987e65feb54f61511c03552ebae990826c208590
Tagbump-Previous: acme/web:1.0
Tagbump-Image: acme/api:7@sha256:7902699be42c8a8e46fbbb4501726517e86b22c56a189f7625a6da49081b2451
Tagbump-Previous: acme/api:6
Tagbump-Environment: production
`
	if got := repo.saves[0].Message; got != want {
		t.Errorf("message:\n%s\nwant:\n%s", got, want)
	}
}

// promotion takes the tag of the folder staging into the folder production.
var promotion = Request{
	Images: []Image{{Repository: "acme/web", Source: FromEnvironment{Name: "staging", Files: files.MustSelect("staging/*")}}},
	Files:  files.MustSelect("production/*"), To: "production", Publish: Save,
}

func TestPromoteRefusesTwoTagsInOneEnvironment(t *testing.T) {
	repo := newRepo(map[string]string{
		"staging/a.yaml": "image: acme/web:1.1\n", "staging/b.yaml": "image: acme/web:1.2\n", "production/a.yaml": "image: acme/web:1.0\n",
	})
	_, err := Runner{Registry: registry, Repo: repo}.Run(context.Background(), promotion)
	want := "staging: acme/web has two tags: 1.1 (staging/a.yaml:1) and 1.2 (staging/b.yaml:1)"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestPromoteChangesOnlyTheTarget(t *testing.T) {
	repo := newRepo(map[string]string{"staging/a.yaml": "image: acme/web:1.2\n", "production/a.yaml": "image: acme/web:1.0\n", "dev/a.yaml": "image: acme/web:0.9\n"})
	report, err := Runner{Registry: registry, Repo: repo}.Run(context.Background(), promotion)
	if err != nil || report.Images[0].Source != "staging" {
		t.Fatalf("%+v, %v", report.Images, err)
	}
	for name, tag := range map[string]string{"staging/a.yaml": "1.2", "production/a.yaml": "1.2", "dev/a.yaml": "0.9"} {
		if got := repo.file(t, "main", name); got != "image: acme/web:"+tag+"\n" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	with := func(change func(*Image)) Request {
		img := web("1.1")
		change(&img)
		return Request{Images: []Image{img}}
	}
	byName := mustPolicy(t, policy.Rule{})
	for want, req := range map[string]Request{
		"no image is named":                                                          {},
		"one path (image.tag) cannot hold 2 images":                                  {Images: []Image{web("1"), {Repository: "acme/api"}}, Path: mustPath(t, "image.tag")},
		"docker.io/acme/web: is named twice":                                         {Images: []Image{web("1"), {Repository: "docker.io/acme/web", Source: Given{Tag: "2"}}}},
		"acme/web: no tag is given, and nothing says how to choose one":              with(func(img *Image) { img.Source = nil }),
		"acme/web: no tag is given, and nothing says how to choose one ":             with(func(img *Image) { img.Source = ByPolicy{} }),
		"acme/web: the given tag is empty":                                           with(func(img *Image) { img.Source = Given{} }),
		"acme/web: the commit to look for is empty":                                  with(func(img *Image) { img.Source = ByRevision{} }),
		"acme/web: only the order newest looks at the newest 3":                      with(func(img *Image) { img.Source, img.Policy = ByPolicy{NewestOf: 3}, byName }),
		"acme/web: without a tag the registry must be asked":                         with(func(img *Image) { img.Source, img.Policy, img.Unverified = ByPolicy{}, byName, true }),
		"acme/web: without a tag the registry must be asked ":                        with(func(img *Image) { img.Source, img.Unverified = Given{Tag: "1.1", Wait: time.Second}, true }),
		"acme/web: the image's commit cannot be checked without asking the registry": with(func(img *Image) { img.Revision, img.Unverified = "abcdef0", true }),
		"acme/web: a digest cannot be pinned without asking the registry":            {Images: []Image{{Repository: "acme/web", Source: Given{Tag: "1"}, Unverified: true}}, PinDigest: true},
		"acme/web:1.1: the registry has " + digestOf("1.1") + ", not sha256:0":       with(func(img *Image) { img.Digest = "sha256:0" }),
		"acme/web:1.1: linux/amd64: no such platform (it has linux/arm64)":           with(func(img *Image) { img.Platforms = []string{"linux/amd64"} }),
		"acme/web:9: no such tag: not found":                                         {Images: []Image{web("9")}},
	} {
		repo := newRepo(map[string]string{"web.yaml": webFile})
		req.Publish = Save
		_, err := Runner{Registry: registry, Repo: repo}.Run(context.Background(), req)
		if err == nil || err.Error() != strings.TrimSpace(want) || len(repo.saves) != 0 {
			t.Errorf("%v, want %s", err, want)
		}
		if isField := errors.As(err, new(*FieldError)); isField != errors.Is(err, ErrConflict) && !strings.Contains(want, "sha256") {
			t.Errorf("%v: a field error is %v", err, isField)
		}
	}
}

// stopping is a repository whose Save ends with an error.
type stopping struct {
	*memoryRepo
	saved Saved
}

var errStopped = errors.New("stopped")

func (s stopping) Save(context.Context, Tree, Commit) (Saved, error) { return s.saved, errStopped }

func TestAFailedSaveSaysHowFarItGot(t *testing.T) {
	repo := stopping{newRepo(map[string]string{"web.yaml": webFile}), Saved{Committed, "c1"}}
	report, err := Runner{Registry: registry, Repo: repo}.Run(context.Background(), pushOf("1.2"))
	if !errors.Is(err, errStopped) || report.State != Committed || report.Commit != "c1" {
		t.Errorf("%v, %v, commit %q", err, report.State, report.Commit)
	}
}

func TestWhatARunMeansForEachImage(t *testing.T) {
	repo := newRepo(map[string]string{
		"staging.yaml":    "a: {image: acme/web:1.2}\nb: {image: acme/api:7}\nc: {image: acme/db:3}\nd: {image: acme/log:5}\n",
		"production.yaml": "a: {image: acme/web:1.1}\nb: {image: acme/api:7}\nd: {image: acme/log:6}\n",
	})
	var talk []string
	req := Request{To: "production", Files: files.MustSelect("production.yaml"), Publish: Save, OnStale: Skip}
	for _, name := range []string{"web", "api", "db", "log", "gone"} {
		img := Image{Repository: "acme/" + name, Optional: true, Unverified: true, Source: FromEnvironment{"staging", files.MustSelect("staging.yaml")}}
		img.Policy = mustPolicy(t, policy.Rule{Order: policy.Alphabetical})
		req.Images = append(req.Images, img)
	}
	runner := Runner{Repo: repo, Log: func(format string, args ...any) { talk = append(talk, fmt.Sprintf(format, args...)) }}
	report, err := runner.Run(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, img := range report.Images {
		got = append(got, fmt.Sprintf("%s %s %s", img.Repository, img.Tag, img.State))
	}
	want := []string{"acme/web 1.2 changed", "acme/api 7 current", "acme/db 3 missing", "acme/log 5 stale"}
	if !slices.Equal(got, want) || report.State != Pushed {
		t.Errorf("got %q, %v", got, report.State)
	}
	wantTalk := []string{
		"acme/gone: not in the files of staging, passed over",
		"production.yaml:3: acme/log: 5 is older than the deployed 6, passed over",
	}
	if !slices.Equal(talk, wantTalk) {
		t.Errorf("said %q", talk)
	}
}

func TestNamesOfStates(t *testing.T) {
	text, err := json.Marshal(map[string]any{
		"runs":   []State{Unchanged, Written, Committed, Pushed, Proposed},
		"images": []ImageState{Current, Changed, Shared, Stale, Missing},
	})
	want := `{"images":["current","changed","shared","stale","missing"],"runs":["unchanged","written","committed","pushed","proposed"]}`
	if err != nil || string(text) != want {
		t.Errorf("got %s, %v", text, err)
	}
}

func TestImagesThatAreNowhereAreNotAskedFor(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": webFile})
	var talk []string
	req := Request{To: "production", Publish: Save, Images: []Image{
		{Repository: "acme/gone", Source: Given{Tag: "1"}, Optional: true}, // nor in the registry
		{Repository: "acme/web", Source: Given{Tag: "1.2"}, Optional: true},
	}}
	runner := Runner{Registry: registry, Repo: repo, Log: func(format string, args ...any) { talk = append(talk, fmt.Sprintf(format, args...)) }}
	report, err := runner.Run(context.Background(), req)
	if err != nil || len(report.Images) != 1 || len(repo.saves) != 1 {
		t.Errorf("%+v, %v", report.Images, err)
	}
	if want := "acme/gone: not in the files of production, passed over"; len(talk) != 1 || talk[0] != want {
		t.Errorf("said %q, want %q", talk, want)
	}
}

func TestWhatALostRaceSkippedIsCountedOnce(t *testing.T) {
	repo := newRepo(map[string]string{"a.yaml": "image: acme/web:1.2\n", "b.yaml": "image: acme/web:1.0\n"})
	repo.rivals = []func(*memoryRepo){func(r *memoryRepo) { r.write("main", r.branches["main"].MapFS, nil) }}
	req := pushOf("1.1")
	req.Images[0].Policy, req.OnStale, req.All = mustPolicy(t, policy.Rule{Order: "alphabetical"}), Skip, true
	report, err := Runner{Registry: registry, Repo: repo, Sleep: noSleep}.Run(context.Background(), req)
	if err != nil || report.Attempts != 2 || len(report.Images[0].Skipped) != 1 || len(report.Changes()) != 1 {
		t.Errorf("%d attempts, %+v, %v", report.Attempts, report.Images, err)
	}
}

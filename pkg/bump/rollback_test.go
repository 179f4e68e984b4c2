package bump

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/fault"
)

// versioned is a repository whose one file had these tags, the newest first, each set by
// the commit with the message.
func versioned(commits ...[2]string) *memoryRepo {
	file := func(tag string) string { return "image: acme/web:" + tag + "\n" }
	repo := newRepo(map[string]string{"web.yaml": file(commits[0][1])})
	repo.past.Files = map[string][]Version{}
	for i, c := range commits {
		hash := strings.Repeat(string(rune('a'+i)), 40)
		repo.past.Commits = append(repo.past.Commits, CommitInfo{Hash: hash, Author: "Ada <ada@acme.example>", When: day(9 - i), Message: c[0]})
		if i+1 == len(commits) || commits[i+1][1] != c[1] {
			repo.past.Files["web.yaml"] = append(repo.past.Files["web.yaml"], Version{i, []byte(file(c[1]))})
		}
	}
	repo.commits = repo.past.Commits
	return repo
}

const (
	bumped = "bump acme/web\n\nTagbump-Image: acme/web:1.2\nTagbump-Previous: acme/web:1.1\n"
	undone = "roll back acme/web\n\nTagbump-Kind: rollback\nTagbump-Image: acme/web:1.1\nTagbump-Previous: acme/web:1.2\n"

	undoneTwice = "roll back acme/web\n\nTagbump-Kind: rollback\nTagbump-Image: acme/web:1.0\nTagbump-Previous: acme/web:1.2\n"
	unordered   = "roll back acme/web\n\nTagbump-Kind: rollback\nTagbump-Image: acme/web:red\nTagbump-Previous: acme/web:blue\n"
)

func TestARollbackFindsTheTagOfBefore(t *testing.T) {
	for _, test := range []struct {
		name    string
		commits [][2]string
		back    Back
		want    string // the tag, or an error
	}{
		{"the one before", [][2]string{{"x", "1.2"}, {"x", "1.1"}, {"x", "1.0"}}, Back{}, "1.1"},
		{"two before", [][2]string{{"x", "1.2"}, {"x", "1.1"}, {"x", "1.0"}}, Back{Steps: 2}, "1.0"},
		{"other work between", [][2]string{{"x", "1.2"}, {"y", "1.2"}, {"y", "1.1"}, {"x", "1.1"}}, Back{}, "1.1"},
		{"a tag by name", [][2]string{{"x", "1.2"}, {"x", "1.1"}, {"x", "1.0"}}, Back{To: "1.0"}, "1.0"},
		{"not what was taken back", [][2]string{{undone, "1.1"}, {bumped, "1.2"}, {"x", "1.1"}, {"x", "1.0"}}, Back{Steps: 1}, "1.0"},
		{"twice is once", [][2]string{{undone, "1.1"}, {bumped, "1.2"}, {"x", "1.1"}, {"x", "1.0"}}, Back{}, "1.1"},
		{"twice by hand is once", [][2]string{{"it is bad", "1.1"}, {"x", "1.2"}, {"x", "1.1"}, {"x", "1.0"}}, Back{}, "1.1"},
		{"nothing before", [][2]string{{"y", "1.2"}, {"x", "1.2"}}, Back{}, "acme/web: all 2 commits of the history had no other tag than 1.2"},
		{"never there", [][2]string{{"x", "1.2"}, {"x", "1.1"}}, Back{To: "0.9"}, "acme/web: never had the tag 0.9 in all 2 commits"},
		{"not so many", [][2]string{{"x", "1.2"}, {"x", "1.1"}}, Back{Steps: 5}, "acme/web: all 2 commits of the history have no 5 tags before 1.2"},
	} {
		repo := versioned(test.commits...)
		report, err := Runner{Registry: registry, Repo: repo}.Run(context.Background(), Request{Images: []Image{web("")}, Publish: Save}.Back(test.back))
		got := ""
		if err != nil {
			got = err.Error()
			if !errors.Is(err, fault.NotFound) || fault.HintOf(err) == "" {
				t.Errorf("%s: %v, hint %q", test.name, fault.KindOf(err), fault.HintOf(err))
			}
		} else {
			got = report.Images[0].Tag
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestARollbackSaysWhatWasLeft(t *testing.T) {
	repo := versioned([2]string{"x", "1.2"}, [2]string{"x", "1.1"})
	if _, err := (Runner{Registry: registry, Repo: repo}).Run(context.Background(), Request{Images: []Image{web("")}, To: "production", Publish: Save}.Back(Back{})); err != nil {
		t.Fatal(err)
	}
	got := repo.saves[0].Message
	for _, want := range []string{"roll back acme/web to 1.1 in production\n", "\nTagbump-Kind: rollback\n", "\nTagbump-Previous: acme/web:1.2\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
}

func TestWhatWasRolledBackIsNotWrittenAgain(t *testing.T) {
	forged := [][2]string{{"x", "1.1"}, {undone, "1.1"}, {"x", "1.1"}}
	for _, test := range []struct {
		name    string
		commits [][2]string
		tag     string
		want    string
	}{
		{"the same tag", [][2]string{{undone, "1.1"}, {bumped, "1.2"}, {"x", "1.1"}}, "1.2", "acme/web: 1.2 was rolled back by Ada, 2024-06-09 00:00 (aaaaaaa)"},
		{"an older one", [][2]string{{undone, "1.0"}, {bumped, "1.2"}, {"x", "1.0"}}, "1.1", ""}, // the message says 1.1, and the file 1.0
		{"a newer one", [][2]string{{undone, "1.1"}, {bumped, "1.2"}, {"x", "1.1"}}, "1.3", ""},
		{"a message alone", forged, "1.2", ""},
		{"a tag that is not newer", [][2]string{{undoneTwice, "1.0"}, {bumped, "1.2"}, {"x", "1.0"}}, "1.1", "acme/web: 1.1 is not newer than 1.2, which was rolled back by Ada, 2024-06-09 00:00 (aaaaaaa)"},
		{"a tag that the file never had", [][2]string{{undone, "1.1"}, {"x", "1.0"}}, "1.2", ""},
		{"tags that nothing orders", [][2]string{{unordered, "red"}, {"x", "blue"}, {"x", "red"}}, "green", ""},
	} {
		repo := versioned(test.commits...)
		builds := tags{"acme/web": {"1.0": day(1), "1.1": day(2), "1.2": day(3), "1.3": day(4), "red": {}, "blue": {}, "green": {}}}
		_, err := Runner{Registry: builds, Repo: repo}.Run(context.Background(), pushOf(test.tag))
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || err.Error() != test.want || !errors.Is(err, ErrRolledBack) || fault.KindOf(err) != fault.Guard):
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
	}
}

// TestARevertThatKeptTheTagIsNoRollback holds that the files decide: the revert took back
// a comment beside the tag.
func TestARevertThatKeptTheTagIsNoRollback(t *testing.T) {
	set := "bump acme/web\n\nTagbump-Image: acme/web:1.2\n"
	repo := versioned([2]string{"x", "1.1"}, [2]string{"Revert\n\nThis reverts commit " + strings.Repeat("c", 40) + ".\n", "1.2"}, [2]string{set, "1.2"})
	versions := repo.past.Files["web.yaml"]
	repo.past.Files["web.yaml"] = []Version{versions[0], {1, []byte("# the shop\nimage: acme/web:1.2\n")}, versions[1]}
	if _, err := (Runner{Registry: registry, Repo: repo}).Run(context.Background(), pushOf("1.2")); err != nil {
		t.Error(err)
	}
}

// forgetful is a repository whose past cannot be read.
type forgetful struct {
	*memoryRepo
	log, history error
}

func (r forgetful) Log(ctx context.Context, at Revision, names []string, most int) ([]CommitInfo, error) {
	commits, err := r.memoryRepo.Log(ctx, at, names, most)
	return commits, errors.Join(err, r.log)
}

func (r forgetful) History(ctx context.Context, at Revision, names []string, most int) (History, error) {
	h, err := r.memoryRepo.History(ctx, at, names, most)
	return h, errors.Join(err, r.history)
}

func TestNothingIsWrittenWhileThePastCannotBeRead(t *testing.T) {
	broken := errors.New("the server hung up")
	for _, test := range []struct {
		repo forgetful
		want string
	}{
		{forgetful{log: broken}, "looking whether acme/web:1.2 was rolled back: the server hung up"},
		{forgetful{history: broken}, "looking at commit aaaaaaa, which rolled back 1.2: the server hung up"},
	} {
		test.repo.memoryRepo = versioned([2]string{undone, "1.1"}, [2]string{bumped, "1.2"}, [2]string{"x", "1.1"})
		_, err := Runner{Registry: registry, Repo: test.repo}.Run(context.Background(), pushOf("1.2"))
		if err == nil || err.Error() != test.want || len(test.repo.saves) != 0 {
			t.Errorf("%v, %d saves, want %s", err, len(test.repo.saves), test.want)
		}
	}
}

// TestARollbackRestoresTheDigest holds that the digest of before comes back, and not the
// one that the tag has in the registry today.
func TestARollbackRestoresTheDigest(t *testing.T) {
	old := "sha256:" + strings.Repeat("0", 64)
	repo := versioned([2]string{"x", "1.2@" + digestOf("1.2")}, [2]string{"x", "1.1@" + old})
	pinned := mirrors{digests: map[string]string{"acme/web@" + old: old}}
	if _, err := (Runner{Registry: pinned, Repo: repo}).Run(context.Background(), Request{Images: []Image{web("")}, Publish: Save}.Back(Back{})); err != nil {
		t.Fatal(err)
	}
	if got, want := repo.file(t, "main", "web.yaml"), "image: acme/web:1.1@"+old+"\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestARollbackRefusesPlacesWithTwoTags(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": "image: acme/web:1.2\n", "worker.yaml": "image: acme/web:1.1\n"})
	_, err := Runner{Registry: registry, Repo: repo}.Run(context.Background(), Request{Images: []Image{web("")}, All: true, Publish: Save}.Back(Back{}))
	want := "the files: acme/web has two tags: 1.2 (web.yaml:1) and 1.1 (worker.yaml:1)"
	if err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestARollbackOfAnotherEnvironmentIsNotThisOnes holds that production goes back although
// staging was rolled back to the tag that both have now.
func TestARollbackOfAnotherEnvironmentIsNotThisOnes(t *testing.T) {
	staging := "roll back acme/web\n\nTagbump-Kind: rollback\nTagbump-Image: acme/web:1.2\nTagbump-Previous: acme/web:1.3\nTagbump-Environment: staging\n"
	repo := versioned([2]string{staging, "1.2"}, [2]string{"x", "1.2"}, [2]string{"x", "1.1"})
	report, err := Runner{Registry: registry, Repo: repo}.Run(context.Background(), Request{Images: []Image{web("")}, To: "production", Publish: Save}.Back(Back{}))
	if err != nil || report.Images[0].Tag != "1.1" {
		t.Errorf("%v, %+v", err, report.Images)
	}
}

// TestSeveralImagesGoBack holds that each image has a past of its own, also where a
// commit set all of them, and after a run that set all of them.
func TestSeveralImagesGoBack(t *testing.T) {
	builds := tags{"acme/web": registry["acme/web"], "acme/api": {"6": day(1), "7": day(2)}}
	req := Request{Images: []Image{web("1.2"), {Repository: "acme/api", Source: Given{Tag: "7"}}}, Publish: Save}
	report, err := Runner{Registry: builds, Repo: newRepo(map[string]string{"web.yaml": "image: acme/web:1.1\n", "api.yaml": "image: acme/api:6\n"})}.Run(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	undo, err := req.Undo(report)
	if err != nil {
		t.Fatal(err)
	}
	for name, back := range map[string]Request{"by a step": req.Back(Back{Steps: 1}), "by what the run replaced": undo} {
		repo := versioned([2]string{"x", "1.2"}, [2]string{"x", "1.1"})
		repo.branches["main"].MapFS["api.yaml"] = &fstest.MapFile{Data: []byte("image: acme/api:7\n")}
		repo.past.Files["api.yaml"] = []Version{{0, []byte("image: acme/api:7\n")}, {1, []byte("image: acme/api:6\n")}}
		if _, err := (Runner{Registry: builds, Repo: repo}).Run(context.Background(), back); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := repo.file(t, "main", "web.yaml") + repo.file(t, "main", "api.yaml"); got != "image: acme/web:1.1\nimage: acme/api:6\n" {
			t.Errorf("%s: got\n%s", name, got)
		}
	}
}

// TestTheLatestChangeAloneIsTakenBack holds that an image stays when an earlier commit set
// it.
func TestTheLatestChangeAloneIsTakenBack(t *testing.T) {
	repo := versioned([2]string{"x", "1.2"}, [2]string{"y", "1.1"}, [2]string{"z", "1.1"})
	main := repo.branches["main"].MapFS
	main["api.yaml"] = &fstest.MapFile{Data: []byte("image: acme/api:7\n")}
	repo.past.Files["api.yaml"] = []Version{{1, []byte("image: acme/api:7\n")}, {2, []byte("image: acme/api:6\n")}}
	builds := tags{"acme/web": registry["acme/web"], "acme/api": {"6": day(1), "7": day(2)}}
	req := Request{Images: []Image{web(""), {Repository: "acme/api"}}, Publish: Save}
	if _, err := (Runner{Registry: builds, Repo: repo}).Run(context.Background(), req.Back(Back{Last: true})); err != nil {
		t.Fatal(err)
	}
	if got := repo.file(t, "main", "web.yaml") + repo.file(t, "main", "api.yaml"); got != "image: acme/web:1.1\nimage: acme/api:7\n" {
		t.Errorf("got\n%s", got)
	}
}

func TestARunIsUndone(t *testing.T) {
	for _, test := range []struct {
		name    string
		message string // of the latest commit, and the tag that the file has since
		tag     string
		want    string // the tag that is written, or an error
	}{
		{"its own commit", bumped, "1.2", "1.1"},
		{"undone already", undone, "1.1", "1.1"},
		{"a later commit mended it", "mended", "1.3", "acme/web: a later commit has replaced 1.2 by 1.3"},
	} {
		req := pushOf("1.2")
		report, err := Runner{Registry: registry, Repo: newRepo(map[string]string{"web.yaml": "image: acme/web:1.1\n"})}.Run(context.Background(), req)
		if err != nil {
			t.Fatal(err)
		}
		undo, err := req.Undo(report)
		if err != nil {
			t.Fatal(err)
		}
		repo := versioned([2]string{test.message, test.tag}, [2]string{"x", "1.1"})
		report, err = Runner{Registry: registry, Repo: repo}.Run(context.Background(), undo)
		var got string
		if err != nil {
			got = err.Error()
		} else {
			got = report.Images[0].Tag
		}
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestARunOverSeveralTagsIsNotUndone(t *testing.T) {
	files := map[string]string{"web.yaml": "image: acme/web:1.1\n", "worker.yaml": "image: acme/web:1.0\n"}
	req := pushOf("1.2")
	req.All = true
	report, err := Runner{Registry: registry, Repo: newRepo(files)}.Run(context.Background(), req)
	if err != nil {
		t.Fatal(err)
	}
	want := "acme/web had no tag before, or several: which one to go back to is not known"
	if _, err := req.Undo(report); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

package bump

import (
	"context"
	"errors"
	"strings"
	"testing"

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
		report, err := Runner{Registry: registry, Repo: repo}.Rollback(context.Background(), Request{Images: []Image{web("")}, Publish: Save}, test.back)
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
	if _, err := (Runner{Registry: registry, Repo: repo}).Rollback(context.Background(), Request{Images: []Image{web("")}, To: "production", Publish: Save}, Back{}); err != nil {
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
	} {
		repo := versioned(test.commits...)
		builds := tags{"acme/web": {"1.0": day(1), "1.1": day(2), "1.2": day(3), "1.3": day(4)}}
		_, err := Runner{Registry: builds, Repo: repo}.Run(context.Background(), pushOf(test.tag))
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (err == nil || err.Error() != test.want || !errors.Is(err, ErrRolledBack) || fault.KindOf(err) != fault.Guard):
			t.Errorf("%s: got %v, want %s", test.name, err, test.want)
		}
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

package history

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// at is the n-th hour of a day.
func at(n int) time.Time { return time.Date(2026, 11, 26, n, 0, 0, 0, time.UTC) }

// hash is a commit's hash of one digit.
func hash(n int) string { return strings.Repeat(fmt.Sprint(n), 40) }

// commitsOf makes commits of messages, the newest first, an hour apart.
func commitsOf(messages ...string) []Commit {
	var all []Commit
	for i, message := range messages {
		n := len(messages) - 1 - i
		all = append(all, Commit{Hash: hash(n), Author: "Ada <ada@acme.example>", When: at(n), Message: message})
	}
	return all
}

// set is a message of tagbump's.
func set(kind, tag, previous, environment string) string {
	message := "set acme/web to " + tag + "\n\n"
	if kind != "bump" {
		message += "Tagbump-Kind: " + kind + "\n"
	}
	return message + "Tagbump-Image: acme/web:" + tag + "\nTagbump-Previous: acme/web:" + previous + "\nTagbump-Environment: " + environment + "\n"
}

func changeOf(commit int, before, after string) Change {
	return Change{Commit: commit, Image: "acme/web", File: "web.yaml", Before: Value{Tag: before}, After: Value{Tag: after}}
}

func show(events []Event) string {
	var all []string
	for _, e := range events {
		all = append(all, fmt.Sprintf("%s %s->%s by %s", e.Kind, e.From, e.To, e.Who))
	}
	return strings.Join(all, "; ")
}

func TestEventsSayWhatTheFilesAndTheMessagesAgreeOn(t *testing.T) {
	const ada = " by Ada <ada@acme.example>"
	for _, test := range []struct {
		name    string
		commits []Commit
		changes []Change
		want    string
	}{
		{"a bump", commitsOf(set("bump", "1.1", "1.0", "production")), []Change{changeOf(0, "1.0", "1.1")}, "bump 1.0->1.1" + ada},
		{"a promotion", commitsOf(set("promotion", "1.1", "1.0", "production")), []Change{changeOf(0, "1.0", "1.1")}, "promotion 1.0->1.1" + ada},
		{"a message of another tag", commitsOf(set("bump", "1.2", "1.0", "production")), []Change{changeOf(0, "1.0", "1.1")}, "by hand 1.0->1.1" + ada},
		{"a message of another environment", commitsOf(set("bump", "1.1", "1.0", "staging")), []Change{changeOf(0, "1.0", "1.1")}, "by hand 1.0->1.1" + ada},
		{"a message that changed nothing", commitsOf(set("bump", "1.2", "1.1", "production"), set("bump", "1.1", "1.0", "production")), []Change{changeOf(1, "1.0", "1.1")}, "bump 1.0->1.1" + ada},
		{"a change by hand", commitsOf("try 1.1"), []Change{changeOf(0, "1.0", "1.1")}, "by hand 1.0->1.1" + ada},
		{
			"a rollback", commitsOf(set("rollback", "1.0", "1.1", "production"), set("bump", "1.1", "1.0", "production")),
			[]Change{changeOf(0, "1.1", "1.0"), changeOf(1, "1.0", "1.1")},
			"rollback 1.1->1.0" + ada + "; bump 1.0->1.1" + ada,
		},
		{
			"back by hand", commitsOf("it is bad", set("bump", "1.1", "1.0", "production")),
			[]Change{changeOf(0, "1.1", "1.0"), changeOf(1, "1.0", "1.1")},
			"rollback 1.1->1.0" + ada + "; bump 1.0->1.1" + ada,
		},
		{
			"back by an update that was told to", commitsOf(set("bump", "1.0", "1.1", "production")+"Tagbump-Override: --on-stale allow\n", set("bump", "1.1", "1.0", "production")),
			[]Change{changeOf(0, "1.1", "1.0"), changeOf(1, "1.0", "1.1")},
			"rollback 1.1->1.0" + ada + "; bump 1.0->1.1" + ada,
		},
		{
			"one change in two files", commitsOf(set("bump", "1.1", "1.0", "production")),
			[]Change{changeOf(0, "1.0", "1.1"), {Commit: 0, Image: "acme/web", File: "b.yaml", Before: Value{Tag: "1.0"}, After: Value{Tag: "1.1"}}},
			"bump 1.0->1.1" + ada,
		},
		{
			"who began the build", commitsOf(set("bump", "1.1", "1.0", "production") + "Tagbump-Triggered-By: grace\n"),
			[]Change{changeOf(0, "1.0", "1.1")},
			"bump 1.0->1.1 by grace",
		},
		{
			"a merge of a bump",
			[]Commit{{Hash: hash(1), Author: "Ada <ada@acme.example>", Message: "Merge pull request #12 from x", Merged: []string{set("bump", "1.1", "1.0", "production")}}},
			[]Change{changeOf(0, "1.0", "1.1")},
			"bump 1.0->1.1" + ada,
		},
	} {
		if got := show(Events(test.commits, test.changes, "production")); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

func TestThePullRequestOfAMerge(t *testing.T) {
	for message, want := range map[string]int{
		"Merge pull request #12 from acme/bump\n\nbump": 12, "bump web (#7)\n\nmore": 7, "Merged in x (pull request #3)": 3,
		"Merge branch 'x' into 'main'\n\nbump\n\nSee merge request acme/charts!45": 45, "Merged PR 9: bump": 9, "bump web\n\nlike (#7) did": 0, "": 0, "fix #3": 0,
	} {
		if got := pullRequest(message); got != want {
			t.Errorf("%q: %d, want %d", message, got, want)
		}
	}
}

func TestWhatIsRolledBack(t *testing.T) {
	bump := set("bump", "1.5", "1.4", "production")
	back := set("rollback", "1.4", "1.5", "production")
	revert := func(n int) string { return "Revert\n\nThis reverts commit " + hash(n) + ".\n" }
	for _, test := range []struct {
		name    string
		commits []Commit
		want    string
	}{
		{"a rollback", commitsOf(back, bump), "1.5 (1)"},
		{"an older one", commitsOf("other work", back, bump), "1.5 (1)"},
		{"of another environment", commitsOf(set("rollback", "1.4", "1.5", "staging"), bump), ""},
		{"set again on purpose", commitsOf(bump, back, bump), ""},
		{"set again in another environment", commitsOf(set("bump", "1.5", "1.4", "staging"), back, bump), "1.5 (1)"},
		{"another tag since", commitsOf(set("bump", "1.4.1", "1.4", "production"), back, bump), "1.5 (1)"},
		{"two of them", commitsOf(set("rollback", "1.3", "1.4", "production"), back, bump), "1.4 (2), 1.5 (1)"},
		{"a bump alone", commitsOf(bump), ""},
		{"a git revert of the bump", commitsOf(revert(0), bump), "1.5 (1)"},
		{"a git revert of the rollback", commitsOf(revert(1), back, bump), ""},
		{"a revert of the revert", commitsOf(revert(1), revert(0), bump), ""},
		{"a revert of something unknown", commitsOf(revert(8), bump), ""},
		{"a revert of something else", commitsOf(revert(0), "other work"), ""},
		{"in a merge", append([]Commit{{Hash: hash(7), Message: "Merge pull request #1", Merged: []string{back}}}, commitsOf(bump)...), "1.5 (7)"},
	} {
		var all []string
		for _, r := range Rollbacks(test.commits, "docker.io/acme/web", "production") {
			all = append(all, fmt.Sprintf("%s (%.1s)", r.Tag, r.Commit))
		}
		if got := strings.Join(all, ", "); got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
	}
}

func TestAStackForgetsWhatWasTakenBack(t *testing.T) {
	for _, test := range []struct{ set, want string }{
		{"1 2 3", "3 2 1"},
		{"1 2 3 2", "2 1"},
		{"1 2 3 2 4", "4 2 1"},
		{"1 2 1 2", "2 1"},
		{"1 1", "1"},
	} {
		var s Stack
		for _, tag := range strings.Fields(test.set) {
			s.Set(Value{Tag: tag})
		}
		s.Set(Value{})
		var got []string
		for i := range 9 {
			if v, ok := s.Below(i); ok {
				got = append(got, v.String())
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %s, want %s", test.set, got, test.want)
		}
	}
}

func TestTheFourNumbers(t *testing.T) {
	commits := commitsOf(set("bump", "1.6", "1.4", "p"), set("rollback", "1.4", "1.5", "p"), set("bump", "1.5", "1.4", "p"), set("bump", "1.4", "1.3", "p"))
	events := Events(commits, []Change{changeOf(0, "1.4", "1.6"), changeOf(1, "1.5", "1.4"), changeOf(2, "1.4", "1.5"), changeOf(3, "1.3", "1.4")}, "p")
	created := func(e Event) time.Time {
		if e.To.Tag == "1.5" {
			return time.Time{}
		}
		return e.When.Add(-20 * time.Minute)
	}
	s := Summarize(events, at(-14*24), at(0), created)
	if s.Deployments != 3 || s.Rollbacks != 1 || s.PerWeek != 1.5 || s.Timed != 2 || s.LeadTime != 20*time.Minute || s.TimeToRecover != time.Hour || s.Recovered != 1 || s.RollbackShare < 0.33 || s.RollbackShare > 0.34 {
		t.Errorf("%+v", s)
	}
	if s := Summarize(events, at(2), at(24), created); s.Deployments != 1 || s.Rollbacks != 1 || s.Recovered != 1 || s.PerWeek != 1 {
		t.Errorf("since the rollback: %+v", s)
	}
	if s := Summarize(nil, time.Time{}, at(0), created); s != (Summary{Until: at(0)}) {
		t.Errorf("of nothing: %+v", s)
	}
}

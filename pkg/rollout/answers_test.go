package rollout

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"
)

// An answered is one answer that a wait got, with all that this package reads of it.
type answered struct {
	At        float64 // seconds since the wait began
	Refreshed bool
	App       Application
}

func readAnswers(t *testing.T, name string) []answered {
	t.Helper()
	file, err := os.Open("testdata/" + name + ".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []answered
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var one answered
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// TestAnswersOfRealWaits replays whole waits of tagbump with a real Argo CD, look by look:
// a look asks for a refresh, and so changes what the next ones see.
func TestAnswersOfRealWaits(t *testing.T) {
	for _, wait := range []struct {
		name, commit, image, tag string
		without                  []string // revisions that do not have the commit
		want                     State
		from, until              float64 // seconds between which the wait must end
		says                     string
	}{
		{
			// Each refresh begins the hydration anew: the answer of a refresh never has a
			// failure, and those between have it again and again.
			name: "3.6/answers-hydration-fails", commit: "93143bed7959b4966e0b78f9d50649ff3234b9ee", image: "127.0.0.1:33927/acme/hydrator", tag: "master-202406151232",
			without: []string{"718af2f6ea35e4bf295104e9625fee088493981b"},
			want:    Failed, from: 9.44, until: 11, says: "image.digest is needed",
		},
		{
			// The way back is Synced and Succeeded, its Pods run, and the health is still that
			// of the bad tag.
			name: "3.6/answers-degraded-after-the-rollback", commit: "3aa79fb1904fc1f9b4160c44940e67514221fa63", image: "127.0.0.1:36995/acme/rollbackoftwoimages", tag: "master-202406151230",
			want: Pending, from: 25, until: 27, says: "Degraded",
		},
	} {
		wanted := Wanted{Branch: "main", Commit: wait.commit, Images: []Image{{Repository: wait.image, Tag: wait.tag}}, Contains: map[string]bool{}}
		for _, revision := range wait.without {
			wanted.Contains[revision] = false
		}
		var h History
		var verdict Verdict
		var at float64
		warned := map[string]bool{}
		for _, one := range readAnswers(t, wait.name) {
			at = one.At
			verdict, h = Decide(Observation{At: time.Duration(at * float64(time.Second)), App: one.App, Refreshed: one.Refreshed}, h, wanted)
			if verdict.Warn != "" {
				warned[verdict.Warn] = true
			}
			if verdict.State.Settled() {
				break
			}
		}
		if verdict.State != wait.want || at < wait.from || at > wait.until || !strings.Contains(verdict.Reason, wait.says) {
			t.Errorf("%s: %v at %v s: %s", wait.name, verdict.State, at, verdict.Reason)
		}
		if len(warned) > 1 {
			t.Errorf("%s: %d warnings", wait.name, len(warned))
		}
	}
}

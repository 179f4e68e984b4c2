//go:build unix

package worktree

import (
	"os"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
)

// bump commits the live values with the next tag, as a run with --commit does.
func (c clone) bump(from, to string) string {
	c.t.Helper()
	checkout, err := c.Checkout(c.t.Context(), ToBranch)
	if err != nil {
		c.t.Fatal(err)
	}
	message := "bump acme/shop to " + to + "\n\nTagbump-Image: acme/shop:" + to + "\nTagbump-Previous: acme/shop:" + from + "\n"
	hash, err := checkout.Save(c.t.Context(), Change{map[string][]byte{live: []byte("image: {tag: \"" + to + "\"}\n")}, message, ""})
	if err != nil {
		c.t.Fatal(err)
	}
	return hash
}

func TestCommitsOfEarlierRunsArePushed(t *testing.T) {
	c := cloneShop(t)
	first, second := c.bump("1", "1.1"), c.bump("1.1", "1.2")
	checkout, err := c.Checkout(t.Context(), ToUpstream)
	if err != nil {
		t.Fatal(err)
	}
	var hashes []string
	for _, one := range checkout.Unpushed() {
		hashes = append(hashes, one.Hash)
	}
	if got, want := strings.Join(hashes, " "), first+" "+second; got != want {
		t.Errorf("unpushed: %s, want %s", got, want)
	}
	if tip, _ := c.origin.Tip("main"); tip != c.base {
		t.Errorf("a look has pushed %s", tip)
	}
	if err := checkout.Finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tip, _ := c.origin.Tip("main"); tip != second {
		t.Errorf("origin is at %s, want %s", tip, second)
	}
	c.bump("1.2", "1.3")
	third := c.mustSave(ToUpstream)
	if tip, _ := c.origin.Tip("main"); tip != third {
		t.Errorf("origin is at %s, want %s", tip, third)
	}
}

func TestCommitsOfEarlierRunsArePushedAfterARebase(t *testing.T) {
	c := cloneShop(t)
	c.bump("1", "1.1")
	if _, err := c.origin.Commit("main", "rival", map[string]string{"rival.yaml": "x\n"}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.save(ToUpstream); fault.HintOf(err) != "git pull --rebase; or give --repo URL, which needs no checkout" {
		t.Errorf("%v, hint %q", err, fault.HintOf(err))
	}
	c.git("pull", "-q", "--rebase")
	hash := c.mustSave(ToUpstream)
	if tip, _ := c.origin.Tip("main"); tip != hash {
		t.Errorf("origin is at %s, want %s", tip, hash)
	}
}

func TestWithoutAnythingToFinish(t *testing.T) {
	c := cloneShop(t)
	c.hook("pre-push", "exit 1")
	checkout, err := c.Checkout(t.Context(), ToUpstream)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkout.Finish(t.Context()); err != nil || len(checkout.Unpushed()) > 0 {
		t.Errorf("%v, %v", err, checkout.Unpushed())
	}
}

// The upstream moves between the look and the push.
func TestFinishLosesARace(t *testing.T) {
	c := cloneShop(t)
	c.bump("1", "1.1")
	checkout, err := c.Checkout(t.Context(), ToUpstream)
	if err != nil {
		t.Fatal(err)
	}
	rival, err := c.origin.Commit("main", "rival", map[string]string{"rival.yaml": "x\n"})
	if err != nil {
		t.Fatal(err)
	}
	if err := checkout.Finish(t.Context()); fault.KindOf(err) != fault.Refused {
		t.Errorf("%v", err)
	}
	if tip, _ := c.origin.Tip("main"); tip != rival {
		t.Errorf("origin is at %s, want %s", tip, rival)
	}
}

func TestAPersonsCommitsAreNotPushed(t *testing.T) {
	for name, test := range map[string]struct {
		prepare func(clone)
		want    string
	}{
		"below ours": {func(c clone) {
			c.git("commit", "-q", "--allow-empty", "-m", "WIP")
			c.bump("1", "1.1")
		}, "(WIP) is not one that tagbump made"},
		"above ours": {func(c clone) {
			c.bump("1", "1.1")
			c.git("commit", "-q", "--allow-empty", "-m", "WIP")
		}, "(WIP) is not one that tagbump made"},
		"a merge with our words": {func(c clone) {
			c.git("switch", "-q", "-c", "other")
			c.bump("1", "1.1")
			c.git("switch", "-q", "main")
			c.git("merge", "-q", "--no-ff", "-m", c.git("log", "-1", "--format=%B", "other"), "other")
		}, "(bump acme/shop to 1.1) is not one that tagbump made"},
		"another file in ours": {func(c clone) {
			c.bump("1", "1.1")
			c.write(stage, "image: {tag: mine}\n")
			c.git("commit", "-q", "-a", "--amend", "--no-edit")
		}, "(bump acme/shop to 1.1) changes more than its message says in " + stage},
		"more in the file": {func(c clone) {
			c.bump("1", "1.1")
			c.write(live, "image: {tag: \"1.1\"}\nreplicas: 3\n")
			c.git("commit", "-q", "-a", "--amend", "--no-edit")
		}, "changes more than its message says in " + live},
		"a new file": {func(c clone) {
			c.bump("1", "1.1")
			c.write("charts/shop/new.yaml", "")
			c.git("add", "charts/shop/new.yaml")
			c.git("commit", "-q", "--amend", "--no-edit")
		}, "changes more than its message says in charts/shop/new.yaml"},
		"another mode": {func(c clone) {
			c.bump("1", "1.1")
			_ = os.Chmod(c.Name()+"/"+stage, 0o755)
			c.git("commit", "-q", "-a", "--amend", "--no-edit")
		}, "changes more than its message says in " + stage},
		"a renamed file": {func(c clone) {
			c.bump("1", "1.1")
			c.git("mv", stage, "charts/shop/values-test.yaml")
			c.git("commit", "-q", "--amend", "--no-edit")
		}, "changes more than its message says in charts/shop/values-"},
	} {
		t.Run(name, func(t *testing.T) {
			c := cloneShop(t)
			test.prepare(c)
			_, err := c.save(ToUpstream)
			if err == nil || !strings.Contains(err.Error(), test.want) || fault.KindOf(err) != fault.Refused {
				t.Errorf("%v, want %q", err, test.want)
			}
			if tip, _ := c.origin.Tip("main"); tip != c.base {
				t.Errorf("%s was pushed", tip)
			}
		})
	}
}

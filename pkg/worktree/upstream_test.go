//go:build unix

package worktree

import (
	"path/filepath"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
)

func TestUpstream(t *testing.T) {
	c := cloneShop(t)
	c.git("branch", "--move", "work")
	got, err := c.Upstream(t.Context())
	if want := (Upstream{Address: c.origin.Dir, Branch: "main"}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
	below := open(t, filepath.Join(c.name, "charts", "shop"))
	got, err = below.Upstream(t.Context())
	if err != nil || got.Prefix != "charts/shop/" {
		t.Errorf("in a folder below the root: got %+v, %v", got, err)
	}
	c.git("remote", "set-url", "--push", "origin", "https://ada:correcthorse@git.acme.example/shop.git")
	got, err = c.Upstream(t.Context())
	if want := "https://REDACTED@git.acme.example/shop.git"; err != nil || got.Address != want {
		t.Errorf("a password in the address: got %s, %v; want %s", got.Address, err, want)
	}
	c.git("branch", "--unset-upstream")
	_, err = c.Upstream(t.Context())
	if fault.KindOf(err) != fault.Refused {
		t.Errorf("without an upstream: got %v", err)
	}
	if _, err := open(t, t.TempDir()).Upstream(t.Context()); fault.KindOf(err) != fault.Usage {
		t.Errorf("in a plain folder: got %v", err)
	}
}

// What somebody else has pushed is fetched, and no ref shows it.
func TestContains(t *testing.T) {
	c := cloneShop(t)
	refs := c.git("for-each-ref")
	theirs, err := c.origin.Commit("main", "somebody else's", map[string]string{stage: "image: {tag: \"2\"}\n"})
	if err != nil {
		t.Fatal(err)
	}
	for _, question := range []struct {
		revision, commit string
		want             bool
	}{{theirs, c.base, true}, {c.base, theirs, false}, {c.base, c.base, true}} {
		got, err := c.Contains(t.Context(), question.revision, question.commit)
		if err != nil || got != question.want {
			t.Errorf("%.7s contains %.7s: got %t, %v", question.revision, question.commit, got, err)
		}
	}
	if now := c.git("for-each-ref"); now != refs {
		t.Errorf("the refs are\n%s\nand were\n%s", now, refs)
	}
	if _, err := c.Contains(t.Context(), "0123456789012345678901234567890123456789", c.base); err == nil {
		t.Error("a revision that nobody has: no error")
	}
}

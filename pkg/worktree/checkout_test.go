//go:build unix

package worktree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// shop is a repository with two value files, which the tests change, and others.
var shop = map[string]string{
	"README.md":                      "# Shop\n",
	"charts/shop/Chart.yaml":         "name: shop\n",
	"charts/shop/values-live.yaml":   "image: {tag: \"1\"}\n",
	"charts/shop/values-stage.yaml":  "image: {tag: \"1\"}\n",
	"charts/shop/templates/pod.yaml": "kind: Pod\n",
}

const (
	live  = "charts/shop/values-live.yaml"
	stage = "charts/shop/values-stage.yaml"
)

// A person's clone of a repository.
type clone struct {
	*Dir
	t      *testing.T
	origin *testenv.GitRepo
	base   string // the commit that it begins with
}

// template returns a folder with a repository, origin.git, and a clone of it,
// work, for the tests to copy.
var template = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "worktree-test-")
	if err != nil {
		return "", err
	}
	if _, err := testenv.NewGitRepo(filepath.Join(dir, "origin.git"), shop); err != nil {
		return dir, err
	}
	_, err = testenv.Git(dir, "clone", "-q", filepath.Join(dir, "origin.git"), "work")
	return dir, err
})

func cloneShop(t *testing.T) clone {
	t.Helper()
	t.Setenv("GIT_CONFIG_GLOBAL", os.DevNull)
	t.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	for _, role := range []string{"AUTHOR", "COMMITTER"} {
		t.Setenv("GIT_"+role+"_NAME", "Ada")
		t.Setenv("GIT_"+role+"_EMAIL", "ada@example.com")
	}
	made, err := template()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(made)); err != nil {
		t.Fatal(err)
	}
	c := clone{open(t, filepath.Join(dir, "work")), t, &testenv.GitRepo{Dir: filepath.Join(dir, "origin.git")}, ""}
	c.git("remote", "set-url", "origin", c.origin.Dir)
	c.base = c.git("rev-parse", "HEAD")
	return c
}

// git runs git in the clone and returns what it prints.
func (c clone) git(args ...string) string {
	c.t.Helper()
	out, err := testenv.Git(c.Name(), args...)
	if err != nil {
		c.t.Fatalf("git %q: %v", args, err)
	}
	return strings.TrimSpace(out)
}

func (c clone) write(name, content string) {
	c.t.Helper()
	full := filepath.Join(c.Name(), name)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		c.t.Fatal(err)
	}
}

func (c clone) read(name string) string {
	c.t.Helper()
	content, err := os.ReadFile(filepath.Join(c.Name(), name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(content)
}

func (c clone) hook(name, script string) {
	c.t.Helper()
	c.write(".git/hooks/"+name, "#!/bin/sh\n"+script+"\n")
	if err := os.Chmod(filepath.Join(c.Name(), ".git/hooks", name), 0o755); err != nil {
		c.t.Fatal(err)
	}
}

// save looks at the checkout and saves a change of the live values to tag 2.
func (c clone) save(reach Reach) (string, error) {
	c.t.Helper()
	return save(c.t.Context(), c.Dir, reach, "")
}

func save(ctx context.Context, d *Dir, reach Reach, author string) (string, error) {
	checkout, err := d.Checkout(ctx, reach)
	if err != nil {
		return "", err
	}
	return checkout.Save(ctx, Change{map[string][]byte{live: []byte("image: {tag: \"2\"}\n")}, "bump shop to 2\n\nTagbump-Image: acme/shop:2\n", author})
}

func (c clone) mustSave(reach Reach) string {
	c.t.Helper()
	hash, err := c.save(reach)
	if err != nil {
		c.t.Fatal(err)
	}
	return hash
}

// state is what a person sees: HEAD, the index, the files, and the remote.
func (c clone) state() string {
	c.t.Helper()
	remote, _ := c.origin.Tip("main")
	return strings.Join([]string{c.git("rev-parse", "HEAD"), remote, c.git("status", "--porcelain=v2"), c.git("diff", "HEAD"), c.read(live), c.read(stage)}, "\n")
}

func TestACommitHasTheChangeOnly(t *testing.T) {
	c := cloneShop(t)
	c.write(stage, "image: {tag: staged}\n")
	c.git("add", stage)
	c.write(stage, "image: {tag: edited}\n")
	c.write("README.md", "# Mine\n")
	c.write("new.yaml", "mine: true\n")
	before := c.git("status", "--porcelain")
	hash, err := save(t.Context(), c.Dir, ToBranch, "Grace <grace@example.com>")
	if err != nil {
		t.Fatal(err)
	}
	want := hash + "\nGrace grace@example.com Ada\nbump shop to 2\n\nTagbump-Image: acme/shop:2\n\n\n" + live
	if got := c.git("show", "--format=%H%n%an %ae %cn%n%B", "--name-only", "main"); got != want {
		t.Errorf("%q, want\n%q", got, want)
	}
	if got := c.git("status", "--porcelain"); got != before {
		t.Errorf("a person's own changes were\n%s\nand are\n%s", before, got)
	}
	if c.read(live) != "image: {tag: \"2\"}\n" || c.read(stage) != "image: {tag: edited}\n" || c.git("show", ":"+stage) != "image: {tag: staged}" {
		t.Errorf("%q, %q", c.read(live), c.read(stage))
	}
	if got, want := c.git("log", "-g", "-1", "--format=%gs"), "tagbump: Fast-forward"; got != want {
		t.Errorf("the reflog says %q, want %q", got, want)
	}
}

func TestAPushPublishesTheCommitOnly(t *testing.T) {
	c := cloneShop(t)
	c.git("config", "push.default", "matching")
	c.git("config", "remote.pushDefault", "fork")
	c.git("config", "push.followTags", "true")
	c.git("branch", "-q", "feature")
	if _, err := c.origin.Git("branch", "feature", "main"); err != nil {
		t.Fatal(err)
	}
	c.git("switch", "-q", "feature")
	c.git("commit", "-q", "--allow-empty", "-m", "WIP")
	c.git("tag", "-a", "-m", "mine", "v9", "main")
	c.git("switch", "-q", "main")
	hash := c.mustSave(ToUpstream)
	if got := c.git("rev-parse", "HEAD", "origin/main"); got != hash+"\n"+hash {
		t.Errorf("HEAD and origin/main are %q, want %s", got, hash)
	}
	out, err := c.origin.Git("for-each-ref", "--format=%(refname) %(objectname:short)")
	base := c.git("rev-parse", "--short", "HEAD~")
	if want := "refs/heads/feature " + base + "\nrefs/heads/main " + c.git("rev-parse", "--short", "HEAD") + "\n"; err != nil || out != want {
		t.Errorf("the remote has\n%s%v, want\n%s", out, err, want)
	}
}

func TestAPushGoesToAnUpstreamOfAnotherName(t *testing.T) {
	c := cloneShop(t)
	c.git("switch", "-q", "-c", "local", "--track", "origin/main")
	checkout, err := c.Checkout(t.Context(), ToUpstream)
	if err != nil {
		t.Fatal(err)
	}
	if checkout.Branch() != "origin/main" || checkout.Head() != c.git("rev-parse", "HEAD") {
		t.Errorf("%s at %s", checkout.Branch(), checkout.Head())
	}
	hash := c.mustSave(ToUpstream)
	if tip, _ := c.origin.Tip("main"); tip != hash {
		t.Errorf("origin's main is at %s, want %s", tip, hash)
	}
}

// Each state would leave a change half done: it is refused before anything is
// written, with a next step.
func TestStatesThatAreRefused(t *testing.T) {
	ahead := func(c clone) {
		c.git("commit", "-q", "--allow-empty", "-m", "WIP do not push")
	}
	rival := func(c clone) {
		if _, err := c.origin.Commit("main", "rival", map[string]string{"rival.yaml": "x\n"}); err != nil {
			c.t.Fatal(err)
		}
	}
	conflict := func(c clone) {
		c.git("switch", "-q", "-c", "other")
		c.write("README.md", "# Other\n")
		c.git("commit", "-qam", "other")
		c.git("switch", "-q", "main")
		c.write("README.md", "# Main\n")
		c.git("commit", "-qam", "main")
	}
	for _, test := range []struct {
		name       string
		reach      Reach
		prepare    func(clone)
		want, hint string
		kind       fault.Kind
	}{
		{"detached", ToBranch, func(c clone) { c.git("switch", "-q", "--detach") }, "HEAD is detached", "git switch", fault.Refused},
		{"rebase at a conflict", ToBranch, func(c clone) { conflict(c); _, _ = testenv.Git(c.Name(), "rebase", "other") }, "a rebase is in progress", "git rebase --continue", fault.Refused},
		{"merge", ToBranch, func(c clone) { conflict(c); _, _ = testenv.Git(c.Name(), "merge", "other") }, "a merge is in progress", "git merge --continue", fault.Refused},
		{"cherry-pick", ToBranch, func(c clone) { conflict(c); _, _ = testenv.Git(c.Name(), "cherry-pick", "other") }, "a cherry-pick is in progress", "git cherry-pick", fault.Refused},
		{"revert", ToBranch, func(c clone) { conflict(c); c.git("revert", "--no-commit", "HEAD") }, "a revert is in progress", "git revert", fault.Refused},
		{"bisect", ToBranch, func(c clone) { c.git("bisect", "start") }, "a bisect is in progress", "git bisect reset", fault.Refused},
		{"am", ToBranch, func(c clone) {
			conflict(c)
			c.write("p.patch", c.git("format-patch", "--stdout", "-1", "other")+"\n")
			_, _ = testenv.Git(c.Name(), "am", "-3", "p.patch")
		}, "a rebase or git am is in progress", "--abort", fault.Refused},
		{"unborn", ToBranch, func(c clone) { c.git("symbolic-ref", "HEAD", "refs/heads/empty") }, "empty has no commit yet", "", fault.Refused},
		{"not a checkout", ToBranch, func(c clone) { _ = os.RemoveAll(filepath.Join(c.Name(), ".git")) }, "not a git checkout", "--repo URL", fault.Usage},
		{"no upstream", ToUpstream, func(c clone) { c.git("switch", "-q", "-c", "mine") }, "mine has no upstream", "git branch --set-upstream-to", fault.Refused},
		{"no upstream, remote of another name", ToUpstream, func(c clone) { c.git("remote", "rename", "origin", "upstream"); c.git("switch", "-q", "-c", "mine") }, "mine has no upstream", "git branch --set-upstream-to=upstream/mine", fault.Refused},
		{"no remote", ToUpstream, func(c clone) { c.git("remote", "remove", "origin") }, "main has no upstream to push to, and the repository has no remote", "git remote add origin URL, and git push -u origin main", fault.Refused},
		{"local upstream", ToUpstream, func(c clone) { c.git("switch", "-q", "-c", "mine", "--track", "main") }, "mine follows the local branch main", "--repo URL", fault.Refused},
		{"ahead", ToUpstream, ahead, "main is 1 commit ahead of origin/main, and %H (WIP do not push) is not one that tagbump made: a push would publish it", "git push", fault.Refused},
		{"ahead by two", ToUpstream, func(c clone) { ahead(c); ahead(c) }, "main is 2 commits ahead of origin/main", "git push", fault.Refused},
		{"parted", ToUpstream, func(c clone) { rival(c); c.git("fetch", "-q"); ahead(c) }, "main and origin/main have parted", "git pull --rebase", fault.Refused},
		{"behind, unknown here", ToUpstream, rival, "origin/main has moved to ", "git pull --rebase", fault.Refused},
		{"behind", ToUpstream, func(c clone) { rival(c); c.git("fetch", "-q") }, "main is behind origin/main", "git pull --ff-only", fault.Refused},
		{"upstream is gone", ToUpstream, func(c clone) {
			c.git("config", "branch.main.merge", "refs/heads/gone")
			c.git("config", "--add", "remote.origin.fetch", "+refs/heads/gone:refs/remotes/origin/gone")
		}, "origin/gone does not exist", "git push", fault.Refused},
		{"no remote repository", ToUpstream, func(c clone) { c.git("remote", "set-url", "origin", c.origin.Dir+"-gone") }, "origin/main: git ls-remote: fatal:", "", fault.NotFound},
		{"no server", ToUpstream, func(c clone) { c.git("remote", "set-url", "origin", "http://127.0.0.1:1/x.git") }, "origin/main: git ls-remote: fatal:", "", fault.Unavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := cloneShop(t)
			test.prepare(c)
			before := c.read(live)
			_, err := c.save(test.reach)
			want := strings.ReplaceAll(test.want, "%H", shortHead(c))
			if err == nil || !strings.HasPrefix(err.Error(), c.Name()+": ") || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, want)
			}
			if !strings.Contains(fault.HintOf(err), test.hint) || fault.KindOf(err) != test.kind {
				t.Errorf("hint %q, want %q; kind %v, want %v", fault.HintOf(err), test.hint, fault.KindOf(err), test.kind)
			}
			if c.read(live) != before {
				t.Errorf("%s was written", live)
			}
		})
	}
}

func shortHead(c clone) string {
	out, _ := testenv.Git(c.Name(), "rev-parse", "--short", "HEAD")
	return strings.TrimSpace(out)
}

// A commit would take along what a person has changed in the file.
func TestDirtyFilesAreRefused(t *testing.T) {
	mine := "image: {tag: \"1\"} # mine\n"
	for name, prepare := range map[string]func(clone){
		"edited":             func(c clone) { c.write(live, mine) },
		"staged":             func(c clone) { c.write(live, mine); c.git("add", live) },
		"staged, then back":  func(c clone) { c.write(live, mine); c.git("add", live); c.write(live, shop[live]) },
		"assumed unchanged":  func(c clone) { c.write(live, mine); c.git("update-index", "--assume-unchanged", live) },
		"skipped worktree":   func(c clone) { c.write(live, mine); c.git("update-index", "--skip-worktree", live) },
		"removed from index": func(c clone) { c.git("rm", "-q", "--cached", live) },
	} {
		t.Run(name, func(t *testing.T) {
			c := cloneShop(t)
			prepare(c)
			before := c.state()
			_, err := c.save(ToBranch)
			if !errors.Is(err, ErrDirty) || err.Error() != filepath.Join(c.Name(), live)+": has uncommitted changes" || fault.HintOf(err) == "" {
				t.Errorf("%v", err)
			}
			if got := c.state(); got != before {
				t.Errorf("the checkout was\n%s\nand is\n%s", before, got)
			}
		})
	}
	c := cloneShop(t)
	checkout, err := c.Checkout(t.Context(), ToBranch)
	if err != nil {
		t.Fatal(err)
	}
	if err := checkout.Check(t.Context(), []string{live, stage}); err != nil {
		t.Error(err)
	}
	c.write(stage, mine)
	if err := checkout.Check(t.Context(), []string{live, stage}); !errors.Is(err, ErrDirty) || !strings.Contains(err.Error(), stage) {
		t.Errorf("%v", err)
	}
	if err := checkout.Check(t.Context(), []string{"gone.yaml"}); err == nil {
		t.Error("a missing file is clean")
	}
}

// Whoever refuses, the checkout and the remote are as before.
func TestARefusedChangeLeavesNothing(t *testing.T) {
	for _, test := range []struct {
		name    string
		prepare func(clone)
		want    string
		kind    fault.Kind
	}{
		{"pre-commit", func(c clone) { c.hook("pre-commit", "echo no bumps on Fridays >&2; exit 1") }, "git hook pre-commit: no bumps on Fridays", fault.Refused},
		{"commit-msg", func(c clone) { c.hook("commit-msg", "grep -q TICKET \"$1\" || { echo no ticket; exit 1; }") }, "git hook commit-msg: no ticket", fault.Refused},
		{"pre-push", func(c clone) { c.hook("pre-push", "echo not from here >&2; exit 1") }, "git push: not from here", fault.Refused},
		{"pre-receive", func(c clone) { _ = c.origin.Hook("pre-receive", "echo frozen; exit 1") }, "remote: frozen", fault.Refused},
		{"no identity", func(c clone) {
			for _, name := range []string{"GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"} {
				_ = os.Unsetenv(name)
			}
			c.git("config", "user.useConfigOnly", "true")
		}, "git commit-tree: ", fault.Failed},
		{"signing without a key", func(c clone) {
			c.git("config", "commit.gpgSign", "true")
			c.git("config", "gpg.format", "ssh")
			c.git("config", "user.signingKey", "/nonexistent")
		}, "git commit-tree: ", fault.Failed},
		{"lost race", func(c clone) {
			c.hook("pre-push", fmt.Sprintf("GIT_DIR=%s git update-ref refs/heads/main $(GIT_DIR=%[1]s git commit-tree -m rival main^{tree} -p main)", c.origin.Dir))
		}, "main (failed to update ref)", fault.Refused},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := cloneShop(t)
			head, status := c.git("rev-parse", "HEAD"), c.git("status", "--porcelain")
			test.prepare(c)
			_, err := c.save(ToUpstream)
			if err == nil || !strings.Contains(err.Error(), test.want) || fault.KindOf(err) != test.kind {
				t.Errorf("%v (%v), want %q (%v)", err, fault.KindOf(err), test.want, test.kind)
			}
			if c.git("rev-parse", "HEAD") != head || c.git("status", "--porcelain") != status || c.read(live) != shop[live] {
				t.Errorf("HEAD %s, status %q, file %q", c.git("rev-parse", "HEAD"), c.git("status", "--porcelain"), c.read(live))
			}
			if tip, err := c.origin.Tip("main"); err == nil && tip != head && test.name != "lost race" {
				t.Errorf("the remote is at %s", tip)
			}
		})
	}
}

// A push that failed can be run again, and then tells of the remote.
func TestAFailedPushIsRepeatable(t *testing.T) {
	c := cloneShop(t)
	_ = c.origin.Hook("pre-receive", "echo frozen; exit 1")
	if _, err := c.save(ToUpstream); err == nil {
		t.Fatal("pushed")
	}
	if err := os.Remove(filepath.Join(c.origin.Dir, "hooks", "pre-receive")); err != nil {
		t.Fatal(err)
	}
	hash := c.mustSave(ToUpstream)
	if tip, _ := c.origin.Tip("main"); tip != hash {
		t.Errorf("origin is at %s, want %s", tip, hash)
	}
}

// A remote that was set back would get the commits in between as well.
func TestAPushNeedsTheRemoteAsItWas(t *testing.T) {
	c := cloneShop(t)
	if _, err := c.origin.Commit("main", "taken back", map[string]string{"x.yaml": "x\n"}); err != nil {
		t.Fatal(err)
	}
	c.git("pull", "-q")
	checkout, err := c.Checkout(t.Context(), ToUpstream)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.origin.Git("update-ref", "refs/heads/main", c.base); err != nil {
		t.Fatal(err)
	}
	if _, err := checkout.Save(t.Context(), Change{Files: map[string][]byte{live: []byte("x\n")}, Message: "bump"}); !errors.Is(err, fault.Refused) {
		t.Errorf("%v", err)
	}
	if tip, _ := c.origin.Tip("main"); tip != c.base {
		t.Errorf("the remote is at %s, want %s", tip, c.base)
	}
}

// The answer of a push can be lost: the remote has the last word.
func TestAPushWhoseAnswerWasLost(t *testing.T) {
	c := cloneShop(t)
	_ = c.origin.Hook("post-update", "kill -9 $PPID")
	_ = c.origin.Hook("post-receive", "kill -9 $PPID")
	hash := c.mustSave(ToUpstream)
	if tip, _ := c.origin.Tip("main"); tip != hash || c.git("rev-parse", "HEAD") != hash {
		t.Errorf("origin is at %s, HEAD at %s, want %s", tip, c.git("rev-parse", "HEAD"), hash)
	}
}

func TestAPushThatTheCheckoutCannotFollow(t *testing.T) {
	c := cloneShop(t)
	c.hook("pre-push", "touch .git/index.lock")
	hash, err := c.save(ToUpstream)
	if follow := new(FollowError); !errors.As(err, &follow) || fault.HintOf(err) != "git pull --ff-only" || !strings.Contains(err.Error(), "was pushed, but the checkout could not follow: git merge: ") {
		t.Errorf("%v", err)
	}
	if tip, _ := c.origin.Tip("main"); tip != hash {
		t.Errorf("origin is at %s, want %s", tip, hash)
	}
}

func TestALockedCheckoutIsRefused(t *testing.T) {
	c := cloneShop(t)
	c.write(".git/index.lock", "")
	if _, err := c.save(ToBranch); !errors.Is(err, fault.Refused) || c.read(live) != shop[live] {
		t.Errorf("%v, %q", err, c.read(live))
	}
}

// Hooks see the change in the index, may add to the message, and run in order.
func TestHooksRun(t *testing.T) {
	c := cloneShop(t)
	log := filepath.Join(t.TempDir(), "log")
	c.hook("pre-commit", "{ echo pre-commit; git diff --cached --name-only; } >>"+log)
	c.hook("prepare-commit-msg", "echo prepare $2 >>"+log+"; echo prepared >>\"$1\"")
	c.hook("commit-msg", "echo commit-msg >>"+log+"; echo Ticket: SHOP-7 >>\"$1\"")
	c.hook("post-commit", "echo post-commit >>"+log+"; exit 1")
	c.hook("post-merge", "echo post-merge >>"+log)
	c.hook("post-checkout", "echo post-checkout >>"+log)
	c.mustSave(ToBranch)
	got, _ := os.ReadFile(log)
	if want := "pre-commit\n" + live + "\nprepare message\ncommit-msg\npost-commit\n"; string(got) != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := c.git("log", "-1", "--format=%B"); !strings.HasSuffix(got, "prepared\nTicket: SHOP-7") {
		t.Errorf("%q", got)
	}
}

// A hook, an alias or git rebase --exec has variables of its own repository.
func TestVariablesOfAnotherRepositoryAreDropped(t *testing.T) {
	c, other := cloneShop(t), cloneShop(t)
	before := other.state()
	for _, name := range []string{"GIT_DIR", "GIT_COMMON_DIR"} {
		t.Setenv(name, filepath.Join(other.Name(), ".git"))
	}
	t.Setenv("GIT_INDEX_FILE", filepath.Join(other.Name(), ".git", "index"))
	t.Setenv("GIT_WORK_TREE", other.Name())
	t.Setenv("GIT_OBJECT_DIRECTORY", filepath.Join(other.Name(), ".git", "objects"))
	t.Setenv("GIT_PREFIX", "charts/")
	t.Setenv("GIT_NAMESPACE", "x")
	t.Setenv("GIT_CONFIG_COUNT", "1") // a setting is the user's, and stays
	t.Setenv("GIT_CONFIG_KEY_0", "user.name")
	t.Setenv("GIT_CONFIG_VALUE_0", "Settings")
	_ = os.Unsetenv("GIT_AUTHOR_NAME")
	hash := c.mustSave(ToBranch)
	for _, name := range repositoryVariables {
		_ = os.Unsetenv(name)
	}
	if got := c.git("log", "-1", "--format=%H %an"); got != hash+" Settings" || c.git("status", "--porcelain") != "" {
		t.Errorf("%q, want %s; status %q", got, hash, c.git("status", "--porcelain"))
	}
	if after := other.state(); after != before {
		t.Errorf("the other repository was\n%s\nand is\n%s", before, after)
	}
}

func TestAFolderBelowTheTop(t *testing.T) {
	c := cloneShop(t)
	symlink(t, c.Name(), "charts/current", "shop")
	c.git("add", "charts/current")
	c.git("commit", "-qm", "link")
	c.git("push", "-q")
	d := open(t, filepath.Join(c.Name(), "charts"))
	checkout, err := d.Checkout(t.Context(), ToUpstream)
	if err != nil {
		t.Fatal(err)
	}
	fsys, err := checkout.Read(t.Context(), files.MustSelect("current/values-*.yaml", "shop/Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := listing(t, fsys), []string{"current/values-live.yaml", "current/values-stage.yaml", "shop/Chart.yaml"}; !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	hash, err := checkout.Save(t.Context(), Change{Files: map[string][]byte{"current/values-live.yaml": []byte("image: {tag: \"2\"}\n")}, Message: "bump"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := c.git("show", "--format=%H", "--name-only", "origin/main"), hash+"\n\n"+live; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, _ := os.Readlink(filepath.Join(c.Name(), "charts/current")); got != "shop" || c.git("status", "--porcelain") != "" {
		t.Errorf("the link is %q, status %q", got, c.git("status", "--porcelain"))
	}
}

// A folder shows what is its repository's, and a checkout what git tracks.
func TestFilesThatGitDoesNotKnow(t *testing.T) {
	c := cloneShop(t)
	c.write(".gitignore", "rendered/\n*.local.yaml\nnode_modules/\n")
	c.git("add", ".gitignore")
	c.git("commit", "-qm", "ignore")
	c.write("rendered/pod.yaml", "x\n")
	c.write("charts/shop/values.local.yaml", "x\n")
	c.write("node_modules/express/pod.yaml", "x\n")
	c.write("new/pod.yaml", "x\n")
	c.git("worktree", "add", "-q", ".worktrees/feature", "-b", "feature")
	c.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", c.origin.Dir, "vendored")
	tracked := []string{"charts/shop/Chart.yaml", "charts/shop/templates/pod.yaml", live, stage}
	fsys, err := c.Read(t.Context(), files.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := listing(t, fsys), append(append([]string(nil), tracked...), "new/pod.yaml"); !reflect.DeepEqual(got, want) {
		t.Errorf("a folder shows\n%q, want\n%q", got, want)
	}
	if fsys, err = c.Read(t.Context(), files.MustSelect("rendered/pod.yaml")); err != nil {
		t.Errorf("an ignored file that is named: %v", err)
	} else if content, err := fs.ReadFile(fsys, "rendered/pod.yaml"); err != nil || string(content) != "x\n" {
		t.Errorf("%q, %v", content, err)
	}
	checkout, err := c.Checkout(t.Context(), ToBranch)
	if err != nil {
		t.Fatal(err)
	}
	if fsys, err = checkout.Read(t.Context(), files.Selection{}); err != nil {
		t.Fatal(err)
	}
	if got := listing(t, fsys); !reflect.DeepEqual(got, tracked) {
		t.Errorf("a checkout shows\n%q, want\n%q", got, tracked)
	}
	for _, name := range []string{"rendered/pod.yaml", "new/pod.yaml"} {
		_, err := checkout.Read(t.Context(), files.MustSelect(name))
		if !errors.Is(err, fault.Refused) || !strings.HasSuffix(err.Error(), name+": is not tracked by git") || !strings.Contains(fault.HintOf(err), "git add") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := checkout.Read(t.Context(), files.MustSelect("vendored/"+live)); err == nil || !strings.Contains(err.Error(), "is in vendored, a repository of its own") {
		t.Errorf("%v", err)
	}
}

// What git does to a file on its way, it does here too.
func TestFiltersAndModesAreKept(t *testing.T) {
	c := cloneShop(t)
	c.git("config", "core.autocrlf", "true")
	c.write(live, "image: {tag: \"1\"}\r\n")
	if err := os.Chmod(filepath.Join(c.Name(), live), 0o755); err != nil {
		t.Fatal(err)
	}
	c.git("add", live)
	c.git("commit", "-qm", "executable")
	checkout, err := c.Checkout(t.Context(), ToBranch)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := checkout.Save(t.Context(), Change{Files: map[string][]byte{live: []byte("image: {tag: \"2\"}\r\n")}, Message: "bump"}); err != nil {
		t.Fatal(err)
	}
	if got, want := c.git("diff", "--raw", "--abbrev=1", "HEAD~", "HEAD"), ":100755 100755 "; !strings.HasPrefix(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := c.git("cat-file", "-p", "HEAD:"+live); strings.Contains(got, "\r") || c.read(live) != "image: {tag: \"2\"}\r\n" || c.git("status", "--porcelain") != "" {
		t.Errorf("committed %q, on disk %q", got, c.read(live))
	}
}

func TestACancelledSaveChangesNothing(t *testing.T) {
	c := cloneShop(t)
	ctx, cancel := context.WithCancel(t.Context())
	checkout, err := c.Checkout(ctx, ToUpstream)
	if err != nil {
		t.Fatal(err)
	}
	c.hook("pre-push", "touch "+c.Name()+"/pushing; exec sleep 60")
	before := c.state()
	go func() {
		for ctx.Err() == nil {
			if _, err := os.Stat(filepath.Join(c.Name(), "pushing")); err == nil {
				cancel()
			}
		}
	}()
	_, err = checkout.Save(ctx, Change{Files: map[string][]byte{live: []byte("x\n")}, Message: "bump"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	_ = os.Remove(filepath.Join(c.Name(), "pushing"))
	if after := c.state(); after != before {
		t.Errorf("the checkout was\n%s\nand is\n%s", before, after)
	}
}

func TestWithoutGit(t *testing.T) {
	d := open(t, folder(t, shop))
	if err := os.Mkdir(filepath.Join(d.Name(), ".git"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := d.Checkout(t.Context(), ToBranch); err == nil || !strings.Contains(fault.HintOf(err), "install git") {
		t.Errorf("%v", err)
	}
	fsys, err := d.Read(t.Context(), files.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	if got := listing(t, fsys); len(got) != 4 {
		t.Errorf("%q", got)
	}
}

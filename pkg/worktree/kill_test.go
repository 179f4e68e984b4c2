//go:build unix

package worktree

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// childVariable makes the test's binary a run of a change, which the tests end.
const childVariable = "TAGBUMP_TEST_CHANGE"

func TestMain(m *testing.M) {
	if change := os.Getenv(childVariable); change != "" {
		os.Exit(runChange(change, os.Args[1]))
	}
	code := m.Run()
	if dir, err := template(); err == nil {
		_ = os.RemoveAll(dir)
	}
	os.Exit(code)
}

// runChange prints "start", makes the change in the folder and prints "done".
func runChange(change, name string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	d, err := Open(name)
	if err == nil {
		fmt.Println("start")
		switch change {
		case "write":
			err = d.Write(map[string][]byte{live: []byte(killed), stage: []byte(killed)})
		case "commit":
			_, err = save(ctx, d, ToBranch, "")
		case "push":
			_, err = save(ctx, d, ToUpstream, "")
		}
	}
	if err != nil {
		fmt.Println("failed:", err)
		return 1
	}
	fmt.Println("done")
	return 0
}

// killed is the content that a write gives to both files. It is large, so that a
// signal can meet it half written.
var killed = "image: {tag: \"2\"} # " + strings.Repeat("x", 1<<20) + "\n"

// TestKilled ends changes at random moments and looks at what is left. The
// checkout is as before or as after; a file that is only written is whole; and the
// next run works. TAGBUMP_KILLS says how often, for each kind of change and
// signal.
func TestKilled(t *testing.T) {
	times, needed := 2, 0
	if text := os.Getenv("TAGBUMP_KILLS"); text != "" {
		var err error
		if times, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
		needed = min(times, 30)
	}
	for _, change := range []string{"write", "commit", "push"} {
		for _, sig := range []os.Signal{os.Kill, os.Interrupt} {
			t.Run(fmt.Sprintf("%s, %s", change, sig), func(t *testing.T) {
				hits, usual := 0, runToEnd(t, change)
				for i := range times {
					// The first half is aimed at the last part of the run, where things move.
					delay := time.Duration(rand.Int64N(int64(usual) + 1))
					if i%2 == 0 {
						delay = usual/2 + delay/2
					}
					if killOnce(t, change, sig, delay) {
						hits++
					}
				}
				t.Logf("the signal met %d of %d changes before they were done", hits, times)
				if hits < needed {
					t.Errorf("that is too few: want %d", needed)
				}
			})
		}
	}
}

// runToEnd returns how long a change takes.
func runToEnd(t *testing.T, change string) time.Duration {
	c := cloneShop(t)
	cmd, out := c.start(change)
	begin := time.Now()
	for out.Scan() && out.Text() != "done" {
		if strings.HasPrefix(out.Text(), "failed") {
			t.Fatal(out.Text())
		}
	}
	_ = cmd.Wait()
	return time.Since(begin)
}

// start starts a change, and returns when it has begun.
func (c clone) start(change string) (*exec.Cmd, *bufio.Scanner) {
	c.t.Helper()
	self, err := os.Executable()
	if err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(self, c.Name())
	cmd.Env = append(os.Environ(), childVariable+"="+change)
	// As in a terminal, the whole group gets the signal.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		c.t.Fatal(err)
	}
	out := bufio.NewScanner(stdout)
	if !out.Scan() || out.Text() != "start" {
		c.t.Fatalf("the change did not start: %q", out.Text())
	}
	return cmd, out
}

// killOnce ends a change after the delay, checks the files, and reports whether
// the change was met before it was done.
func killOnce(t *testing.T, change string, sig os.Signal, delay time.Duration) (hit bool) {
	t.Helper()
	c := cloneShop(t)
	cmd, out := c.start(change)
	var sent atomic.Bool
	timer := time.AfterFunc(delay, func() {
		sent.Store(true)
		_ = syscall.Kill(-cmd.Process.Pid, sig.(syscall.Signal))
	})
	for out.Scan() && out.Text() != "done" {
	}
	hit = sent.Load()
	_ = cmd.Wait()
	timer.Stop()
	if change == "write" {
		c.checkWritten()
		return hit
	}
	c.checkCommitted()
	return hit
}

// settled looks at the checkout until it is as before or as after. The git that
// moves it goes on after its parent's death, and may not have begun when one looks:
// so a look that finds it between is repeated.
func (c clone) settled() (look checkoutLook, isSettled bool) {
	c.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		look = c.look()
		if look.before || look.after || time.Now().After(deadline) {
			return look, look.before || look.after
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// A checkoutLook is what a checkout holds.
type checkoutLook struct {
	head, content, status string
	before, after         bool
}

func (c clone) look() checkoutLook {
	c.t.Helper()
	look := checkoutLook{head: c.git("rev-parse", "HEAD"), content: c.read(live), status: c.git("status", "--porcelain")}
	isQuiet := look.status == "" && !c.hasLocks() && c.git("rev-parse", "HEAD") == look.head
	look.before = isQuiet && look.head == c.base && look.content == shop[live]
	look.after = isQuiet && look.head != c.base && look.content == "image: {tag: \"2\"}\n"
	return look
}

func (c clone) hasLocks() bool {
	for _, pattern := range []string{"*.lock", "refs/heads/*.lock"} {
		if locks, _ := filepath.Glob(filepath.Join(c.Name(), ".git", pattern)); len(locks) > 0 {
			return true
		}
	}
	return false
}

func (c clone) checkWritten() {
	c.t.Helper()
	for _, name := range []string{live, stage} {
		if content := c.read(name); content != shop[name] && content != killed {
			c.t.Errorf("%s is neither old nor new: %d bytes", name, len(content))
		}
	}
	if err := c.Write(map[string][]byte{live: []byte(killed), stage: []byte(killed)}); err != nil {
		c.t.Errorf("the next run: %v", err)
	}
}

func (c clone) checkCommitted() {
	c.t.Helper()
	look, isSettled := c.settled()
	if !isSettled {
		c.t.Errorf("between: HEAD %s (was %s), file %q, status %q", look.head, c.base, look.content, look.status)
	}
	tip, err := c.origin.Tip("main")
	if err != nil || look.after && tip != look.head && tip != c.base {
		c.t.Errorf("the remote is at %s, HEAD at %s, %v", tip, look.head, err)
	}
	for _, repo := range []string{c.Name(), c.origin.Dir} {
		if _, err := testenv.Git(repo, "fsck"); err != nil {
			c.t.Error(err)
		}
	}
	if look.before { // the next run works, also when the remote has the commit already
		if _, err := c.save(ToBranch); err != nil {
			c.t.Errorf("the next run: %v", err)
		}
	}
}

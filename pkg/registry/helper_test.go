//go:build unix

package registry

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// helperIn puts a credential helper into PATH that writes its child's process id to a file.
func helperIn(t *testing.T, script string) (pidFile string) {
	t.Helper()
	dir := t.TempDir()
	pidFile = filepath.Join(dir, "pid")
	write(t, filepath.Join(dir, "docker-credential-slow"), helper(strings.ReplaceAll(script, "PIDFILE", pidFile)), 0o755)
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	return pidFile
}

// ends reports whether the process in pidFile ends within some seconds.
func ends(t *testing.T, pidFile string) bool {
	t.Helper()
	text, err := os.ReadFile(pidFile)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) || isZombie(pid) {
			return true
		}
	}
	syscall.Kill(pid, syscall.SIGKILL)
	return false
}

// isZombie reports whether a process has ended and only waits for its parent.
func isZombie(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && strings.Contains(string(text), ") Z ")
}

func TestAHelperThatHangsEndsWithItsChildren(t *testing.T) {
	pidFile := helperIn(t, "sleep 600 & echo $! >PIDFILE; wait")
	var warned []string
	warn := func(format string, args ...any) { warned = append(warned, fmt.Sprintf(format, args...)) }
	k := newKeychain(func(variable string) string {
		return map[string]string{"DOCKER_AUTH_CONFIG": `{"credsStore":"slow"}`}[variable]
	}, func(string, ...any) {}, warn)
	k.patience = 500 * time.Millisecond
	for range 2 { // the second time is from memory
		found, missed := k.fromConfigVariable(context.Background(), repositoryAt(t, "quay.io/acme/web"))
		want := "docker-credential-slow of DOCKER_AUTH_CONFIG did not answer in time"
		if !found.isAnonymous() || len(missed) != 1 || missed[0].text != want {
			t.Errorf("%+v, %v; want %s", found, missed, want)
		}
	}
	if want := "[docker-credential-slow of DOCKER_AUTH_CONFIG did not answer within 500ms and was stopped]"; fmt.Sprint(warned) != want {
		t.Errorf("warned of %s, want %s", warned, want)
	}
	if !ends(t, pidFile) {
		t.Error("a child of the helper lives on")
	}
	if helperTime < 10*time.Second || helperTime > 20*time.Second {
		t.Errorf("helpers have %s", helperTime)
	}
}

func TestAHelperEndsWithTheRun(t *testing.T) {
	pidFile := helperIn(t, "echo $$ >PIDFILE; exec sleep 600")
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		for { // until the helper has begun
			if text, err := os.ReadFile(pidFile); err == nil && len(text) > 0 {
				cancel()
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if _, err := runHelper(ctx, "docker-credential-slow", "quay.io", time.Minute); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if !ends(t, pidFile) {
		t.Error("the helper lives on")
	}
}

func TestAHelperWhoseChildHoldsTheOutputHasAnswered(t *testing.T) {
	pidFile := helperIn(t, `sleep 600 & echo $! >PIDFILE; echo '{"Username":"u","Secret":"p"}'`)
	got, err := runHelper(context.Background(), "docker-credential-slow", "quay.io", time.Minute)
	if err != nil || got != (helperCredentials{"u", "p"}) {
		t.Errorf("%+v, %v", got, err)
	}
	if !ends(t, pidFile) {
		t.Error("the child lives on")
	}
}

func TestAHelperDoesNotSeeTagbumpsSecrets(t *testing.T) {
	t.Setenv("TAGBUMP_TOKEN", "s3cret-token")
	t.Setenv("AWS_PROFILE", "ci")
	helperIn(t, `printf '{"Username":"u","Secret":"%s,%s"}' "$TAGBUMP_TOKEN" "$AWS_PROFILE"`)
	got, err := runHelper(context.Background(), "docker-credential-slow", "quay.io", time.Minute)
	if err != nil || got.Secret != ",ci" {
		t.Errorf("the helper saw %q, %v", got.Secret, err)
	}
}

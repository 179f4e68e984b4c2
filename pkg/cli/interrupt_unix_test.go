//go:build unix

package cli

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program is the test binary as tagbump, with nothing in its environment.
func program(t *testing.T, args ...string) (cmd *exec.Cmd, stderr *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	stderr = new(bytes.Buffer)
	cmd = exec.Command(self, args...)
	cmd.Env, cmd.Dir, cmd.Stderr = []string{asProgram + "=1", "HOME=" + t.TempDir()}, t.TempDir(), stderr
	return cmd, stderr
}

func codeOf(err error) int {
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}

// TestASignalEndsARun interrupts a run while a registry makes it wait.
func TestASignalEndsARun(t *testing.T) {
	for signal, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		arrived, ended := make(chan struct{}, 8), make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			arrived <- struct{}{}
			<-ended
		}))
		cmd, stderr := program(t, "resolve", strings.TrimPrefix(slow.URL, "http://")+"/acme/web:1.4.0")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		<-arrived
		if err := cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		code := codeOf(cmd.Wait())
		close(ended)
		slow.Close()
		if code != want || !strings.Contains(stderr.String(), "interrupted") {
			t.Errorf("%s: code %d, want %d: %s", signal, code, want, stderr)
		}
	}
}

// TestTheSecondSignalEndsAStuckRun interrupts a run that reads a file which never
// ends, where nothing looks at the first signal.
func TestTheSecondSignalEndsAStuckRun(t *testing.T) {
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	cmd, stderr := program(t, "resolve", "acme/web:1.4.0", "--config", "/dev/fd/3")
	cmd.ExtraFiles = []*os.File{read}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = read.Close()
	// More than a pipe holds, and so it is written when the program reads.
	if _, err := write.Write(bytes.Repeat([]byte("#\n"), 100_000)); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- cmd.Wait() }()
	// Two signals that come at once may count as one, so they are sent until it ends.
	often := time.NewTicker(10 * time.Millisecond)
	defer often.Stop()
	for {
		select {
		case <-often.C:
			_ = cmd.Process.Signal(syscall.SIGINT)
		case err := <-ended:
			// A run that is left behind after its grace would say that it was interrupted.
			if code := codeOf(err); code != 130 || stderr.Len() > 0 {
				t.Errorf("code %d: %s", code, stderr)
			}
			return
		}
	}
}

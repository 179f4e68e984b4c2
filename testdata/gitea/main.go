// Gitea starts a Gitea on loopback, with an administrator and his token, runs a command
// with GITEA_URL, GITEA_TOKEN and GITEA_PASSWORD, and ends with the command's exit code:
//
//	go run . go test ./pkg/internal/servers -run Gitea
//
// GITEA_URL and GITEA_TOKEN that are set already name a Gitea that runs. Else GITEA_BINARY
// is one that was built before, with its tags sqlite and sqlite_unlock_notify. Else Gitea is
// built from the Go module proxy, once: that takes 5 minutes of one processor, a C
// compiler, 0.8 GB for its modules and 2.3 GB of Go's build cache.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// The release that is built. The sum is the one of its go.sum line: it holds whatever
// GOFLAGS and GONOSUMDB say.
const (
	module   = "code.gitea.io/gitea"
	version  = "v1.26.4"
	sum      = "h1:VDA00oYg16VrQf3sES0NuS/oiDLAIVng/7jKHsBMP/w="
	owner    = "ci"
	password = "of-the-tests"
	patience = 5 * time.Minute // of the start, on a machine that is busy
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: gitea COMMAND [ARGUMENT...]")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	var failed commandError
	switch {
	case errors.As(err, &failed):
		os.Exit(failed.ExitCode())
	case err != nil:
		fmt.Fprintln(os.Stderr, "gitea:", err)
		os.Exit(1)
	}
}

// A commandError is the end of the command that Gitea was started for.
type commandError struct{ *exec.ExitError }

// run starts a Gitea unless one is named, and then the command.
func run(ctx context.Context, command []string) error {
	if os.Getenv("GITEA_URL") != "" && os.Getenv("GITEA_TOKEN") != "" {
		return follow(ctx, command)
	}
	source, err := download(ctx)
	if err != nil {
		return err
	}
	binary := os.Getenv("GITEA_BINARY")
	if binary == "" {
		if binary, err = build(ctx, source); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "gitea-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	s := server{binary: binary, dir: dir}
	if err := s.configure(source); err != nil {
		return err
	}
	token, err := s.prepare(ctx)
	if err != nil {
		return err
	}
	end, err := s.start(ctx)
	if err != nil {
		return err
	}
	defer end()
	return follow(ctx, command, "GITEA_URL="+s.url, "GITEA_TOKEN="+token, "GITEA_PASSWORD="+password)
}

// follow runs a command with the terminal of this one.
func follow(ctx context.Context, command []string, env ...string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return commandError{exit}
	}
	return err
}

// download returns the folder of Gitea's sources in the module cache. Gitea reads its
// templates from there, too.
func download(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", module+"@"+version)
	cmd.Stderr = os.Stderr
	printed, err := cmd.Output()
	var found struct{ Dir, Sum, Error string }
	if jsonErr := json.Unmarshal(printed, &found); err != nil || jsonErr != nil || found.Error != "" {
		return "", errors.Join(fmt.Errorf("%s@%s: %s", module, version, found.Error), err, jsonErr)
	}
	if found.Sum != sum {
		return "", fmt.Errorf("%s@%s has the sum %s, want %s", module, version, found.Sum, sum)
	}
	return found.Dir, nil
}

// build returns the program, which is made of source unless that was done before.
func build(ctx context.Context, source string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	binary := filepath.Join(cache, "tagbump-test", "gitea-"+version)
	if _, err := os.Stat(binary); err == nil {
		return binary, nil
	}
	fmt.Fprintln(os.Stderr, "gitea: building it, once")
	cmd := exec.CommandContext(ctx, "go", "build", "-C", source, "-tags", "sqlite sqlite_unlock_notify", "-o", binary, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=1")
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	return binary, cmd.Run()
}

// A server is a Gitea with a folder of its own.
type server struct{ binary, dir, url, address string }

// configure chooses a free port and writes the configuration. Gitea does not start as root
// unless it is told to; here it is alone, on loopback, with test data.
func (s *server) configure(source string) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	s.url = "http://" + s.address
	if err := listener.Close(); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(s.address)
	if err != nil {
		return err
	}
	me, err := user.Current()
	if err != nil {
		return err
	}
	lines := []string{
		"RUN_USER = " + me.Username, "I_AM_BEING_UNSAFE_RUNNING_AS_ROOT = true", "WORK_PATH = " + s.dir,
		"[server]", "HTTP_ADDR = " + host, "HTTP_PORT = " + port, "ROOT_URL = " + s.url + "/", "DISABLE_SSH = true", "OFFLINE_MODE = true", "GRACEFUL_HAMMER_TIME = 1s", "STATIC_ROOT_PATH = " + source,
		"[database]", "DB_TYPE = sqlite3", "PATH = " + filepath.Join(s.dir, "gitea.db"),
		"[security]", "INSTALL_LOCK = true", "SECRET_KEY = of-the-tests",
		"[repository]", "ROOT = " + filepath.Join(s.dir, "repositories"),
		"[log]", "LEVEL = Warn",
		"",
	}
	return os.WriteFile(s.config(), []byte(strings.Join(lines, "\n")), 0o600)
}

func (s *server) config() string { return filepath.Join(s.dir, "app.ini") }

// gitea returns a command of the program.
func (s *server) gitea(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, s.binary, append(args, "--config", s.config(), "--work-path", s.dir)...)
	isGit := func(variable string) bool { return strings.HasPrefix(variable, "GIT_") }
	cmd.Env = append(slices.DeleteFunc(os.Environ(), isGit), "HOME="+s.dir) // which gets git's configuration
	cmd.Stderr = os.Stderr
	return cmd
}

// prepare makes the database and the owner of the repositories, an administrator, and
// returns his token.
func (s *server) prepare(ctx context.Context) (token string, err error) {
	for _, args := range [][]string{
		{"migrate"},
		{"admin", "user", "create", "--username", owner, "--password", password, "--email", owner + "@acme.example", "--admin", "--must-change-password=false"},
		{"admin", "user", "generate-access-token", "--username", owner, "--token-name", "tests", "--scopes", "all", "--raw"},
	} {
		printed, err := s.gitea(ctx, args...).Output()
		if err != nil {
			return "", fmt.Errorf("gitea %s: %w", strings.Join(args, " "), err)
		}
		lines := strings.Fields(string(printed))
		token = lines[max(0, len(lines)-1):][0]
	}
	return token, nil
}

// start runs the server until end is called, and waits until it answers.
func (s *server) start(ctx context.Context) (end func(), err error) {
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		return nil, err
	}
	cmd := s.gitea(ctx, "web")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	end = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		<-ended
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for ctx.Err() == nil {
		if s.answers(ctx) {
			return end, nil
		}
		select {
		case err := <-ended:
			said, _ := os.ReadFile(log.Name())
			return nil, fmt.Errorf("the server has ended: %w\n%s", err, said)
		case <-time.After(100 * time.Millisecond):
		}
	}
	end()
	return nil, fmt.Errorf("the server does not answer within %v", patience)
}

func (s *server) answers(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v1/version", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

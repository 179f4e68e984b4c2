package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

const token = "correct-horse-battery"

// A scenario is a repository at the end of a line.
type scenario struct {
	name    string
	repo    string
	file    string
	ssh     bool
	link    testenv.LinkOptions
	rounds  int
	methods []string
	slow    []string // methods that run once
}

// A sample is one bump.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // bytes, of the largest process
	stats     serverStats
}

type serverStats struct {
	Requests int
	Link     testenv.LinkStats
}

// A lab is the servers' process, the driver's end of it, and where things are.
type lab struct {
	self, bed, scratch string
	server             *exec.Cmd
	quit               io.Closer
	ends               serverEnds
	seq                int
}

// serverEnds is what the servers' process says once it is ready.
type serverEnds struct {
	Control, HTTP, SSHAddr, SSHUser, Key, HostKey string
}

// serve runs the servers: git over http and ssh, each behind a link.
func serve(bed, scratch string, link testenv.LinkOptions) error {
	git, err := testenv.ServeGit(bed, token)
	if err != nil {
		return err
	}
	near, err := testenv.NewLink(strings.TrimPrefix(git.URL, "http://"), link)
	if err != nil {
		return err
	}
	ends := serverEnds{HTTP: "http://" + near.Addr}
	links := []*testenv.Link{near}
	if testenv.FindSSHD() != "" {
		sshd, err := testenv.ServeSSH(scratch, testenv.SSHOptions{})
		if err != nil {
			return err
		}
		defer func() { _ = sshd.Close() }()
		link.Handshake = min(link.Handshake, 1)
		far, err := testenv.NewLink(sshd.Addr, link)
		if err != nil {
			return err
		}
		links = append(links, far)
		ends.SSHAddr, ends.SSHUser, ends.Key, ends.HostKey = far.Addr, sshd.User, sshd.Key, sshd.HostKey
	}
	return control(git, links, ends)
}

// control answers /take until its standard input ends.
func control(git *testenv.GitServer, links []*testenv.Link, ends serverEnds) error {
	take := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		stats := serverStats{Requests: len(git.Requests())}
		git.Forget()
		for _, l := range links {
			s := l.Take()
			stats.Link.Conns += s.Conns
			stats.Link.Up += s.Up
			stats.Link.Down += s.Down
		}
		_ = json.NewEncoder(w).Encode(stats)
	})
	listener, err := listen()
	if err != nil {
		return err
	}
	ends.Control = "http://" + listener.Addr().String()
	go func() { _ = http.Serve(listener, take) }()
	if err := json.NewEncoder(os.Stdout).Encode(ends); err != nil {
		return err
	}
	_, _ = os.Stdin.Read(make([]byte, 1))
	return nil
}

// start runs the servers for one kind of line.
func (l *lab) start(link testenv.LinkOptions) error {
	dir, err := os.MkdirTemp(l.scratch, "server")
	if err != nil {
		return err
	}
	text, err := json.Marshal(struct {
		RTT       time.Duration
		Handshake int
		Down      int64
	}{link.RTT, link.Handshake, link.Down})
	if err != nil {
		return err
	}
	l.server = exec.Command(l.self, "serve", l.bed, dir, string(text))
	l.server.Stderr = os.Stderr
	if l.quit, err = l.server.StdinPipe(); err != nil {
		return err
	}
	out, err := l.server.StdoutPipe()
	if err != nil {
		return err
	}
	if err := l.server.Start(); err != nil {
		return err
	}
	return json.NewDecoder(out).Decode(&l.ends)
}

func (l *lab) stop() {
	_ = l.quit.Close()
	_ = l.server.Wait()
}

func (l *lab) take() (serverStats, error) {
	var stats serverStats
	resp, err := http.Get(l.ends.Control)
	if err != nil {
		return stats, err
	}
	defer func() { _ = resp.Body.Close() }()
	return stats, json.NewDecoder(resp.Body).Decode(&stats)
}

func (l *lab) job(s scenario) job {
	l.seq++
	j := job{url: l.ends.HTTP + "/" + s.repo, file: s.file, tag: fmt.Sprintf("9.%d.%d", l.seq, time.Now().Unix()), token: token}
	if s.ssh {
		j.url = "ssh://" + l.ends.SSHUser + "@" + l.ends.SSHAddr + filepath.Join(l.bed, s.repo)
		j.key, j.hostKey = l.ends.Key, l.ends.HostKey
	}
	return j
}

// bump runs one method in a process of its own, and checks what came of it.
func (l *lab) bump(s scenario, m method) (sample, error) {
	repo := testenv.GitRepo{Dir: filepath.Join(l.bed, s.repo)}
	before, err := repo.Tip("main")
	if err != nil {
		return sample{}, err
	}
	dir, err := os.MkdirTemp(l.scratch, "work")
	if err != nil {
		return sample{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	j := l.job(s)
	if _, err := l.take(); err != nil {
		return sample{}, err
	}
	out, err := l.run(m, j, dir)
	if err != nil {
		return out, fmt.Errorf("%s: %s: %w", s.name, m.name, err)
	}
	time.Sleep(50 * time.Millisecond) // what is on its way is counted, too
	if out.stats, err = l.take(); err != nil {
		return out, err
	}
	return out, check(repo, before, s.file, j.tag)
}

func (l *lab) run(m method, j job, dir string) (sample, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, l.self, "child", m.name, j.url, j.file, j.tag, j.token, j.key, j.hostKey)
	if m.script != "" {
		cmd = exec.CommandContext(ctx, "sh", "-c", m.script)
	}
	cmd.Dir = dir
	cmd.Env = environment(j, dir)
	var stderr, stdout bytes.Buffer
	cmd.Stderr, cmd.Stdout = &stderr, &stdout
	start := time.Now()
	err := cmd.Run()
	out := sample{wall: time.Since(start)}
	if err != nil {
		return out, fmt.Errorf("%w: %s", err, stderr.String())
	}
	usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	if !ok {
		return out, errors.New("no resource usage on this system")
	}
	out.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	out.rss = usage.Maxrss << 10
	if own, err := strconv.ParseInt(strings.TrimSpace(stdout.String()), 10, 64); err == nil {
		out.rss = own
	}
	return out, nil
}

// environment keeps everybody's git configuration out, and hands the credentials
// to git as CI scripts do.
func environment(j job, home string) []string {
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + home, "URL=" + j.url, "FILE=" + j.file, "TAG=" + j.tag,
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Bench", "GIT_AUTHOR_EMAIL=bench@example.com", "GIT_COMMITTER_NAME=Bench", "GIT_COMMITTER_EMAIL=bench@example.com",
	}
	if j.key != "" {
		return append(env, "GIT_SSH_COMMAND=ssh -F none -i "+j.key+" -o IdentitiesOnly=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR")
	}
	auth := (&testenv.GitServer{Token: j.token}).BasicAuth()
	return append(env, "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader", "GIT_CONFIG_VALUE_0=Authorization: "+auth)
}

// check holds a bump to what it should be: one commit, one line.
func check(repo testenv.GitRepo, before, file, tag string) error {
	stat, err := repo.Git("diff-tree", "-r", "--numstat", "--format=", before, "refs/heads/main")
	if err != nil {
		return err
	}
	if want := "1\t1\t" + file; strings.TrimSpace(stat) != want {
		return fmt.Errorf("the bump changed %q, want %q", stat, want)
	}
	parent, err := repo.Git("rev-parse", "refs/heads/main^")
	if err != nil {
		return err
	}
	if strings.TrimSpace(parent) != before {
		return fmt.Errorf("the new tip's parent is %s, want %s", parent, before)
	}
	text, err := repo.File("main", file)
	if err == nil && !strings.Contains(text, tag) {
		err = fmt.Errorf("the tag is not in %s", file)
	}
	return err
}

// Command benchgit measures what a bump costs, beside the scripts that people use
// and beside go-git's clone. It builds the repositories it needs (a monorepo of
// 20,000 files among them), serves them with git's own http-backend and sshd
// behind a slow line, runs every method in a process of its own, checks with git
// what came of it, and prints a table with ratios. It exits with 1 when a bar of
// the project is missed.
//
// It refuses to measure what it cannot check. One trap: wall times on a busy
// machine mean little; bytes, requests and memory do not depend on it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) > 0 && args[0] == "serve":
		return serveArgs(args[1:])
	case len(args) > 0 && args[0] == "child":
		return child(args[1:])
	case len(args) == 2 && args[0] == "bed":
		return makeBed(args[1])
	case len(args) == 2 && args[0] == "past":
		return pastIn(args[1])
	}
	flags := flag.NewFlagSet("benchgit", flag.ContinueOnError)
	dir := flags.String("dir", filepath.Join(os.TempDir(), "benchgit"), "where the repositories are kept")
	rounds := flags.Int("rounds", 5, "bumps by each method")
	only := flags.String("only", "", "run only scenarios whose name contains this")
	bumpers := flags.Int("bumpers", 50, "updates at once in the contention test")
	if err := flags.Parse(args); err != nil {
		return err
	}
	l, clean, err := newLab(*dir)
	if err != nil {
		return err
	}
	defer clean()
	var list []scenario
	for _, s := range scenarios(*rounds) {
		if strings.Contains(s.name, *only) {
			list = append(list, s)
		}
	}
	err = bench(l, list)
	if *bumpers > 0 && strings.Contains("contention", *only) {
		err = errors.Join(err, contention(l, *bumpers))
	}
	return err
}

func serveArgs(args []string) error {
	var link struct {
		RTT       int64
		Handshake int
		Down      int64
	}
	if len(args) != 3 {
		return errors.New("serve: wants BED SCRATCH LINK")
	}
	if err := json.Unmarshal([]byte(args[2]), &link); err != nil {
		return err
	}
	return serve(args[0], args[1], testenv.LinkOptions{RTT: time.Duration(link.RTT), Handshake: link.Handshake, Down: link.Down})
}

// child runs one method, and prints its largest memory in bytes.
func child(args []string) error {
	if len(args) != 7 {
		return errors.New("child: wants METHOD URL FILE TAG TOKEN KEY HOSTKEY")
	}
	m, err := methodNamed(args[0])
	if err != nil {
		return err
	}
	j := job{url: args[1], file: args[2], tag: args[3], token: args[4], key: args[5], hostKey: args[6]}
	if err := m.run(context.Background(), j, "."); err != nil {
		return err
	}
	fmt.Println(highWater())
	return nil
}

// highWater is the largest resident size of this process. The kernel's own count
// for a child would include its parent's, from before the exec.
func highWater() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if text, is := strings.CutPrefix(line, "VmHWM:"); is {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
			return kb << 10
		}
	}
	return 0
}

func listen() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

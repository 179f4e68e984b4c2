// Benchpeers makes one and the same bump by tagbump and by those of the README's peers
// that run without a cluster and without a forge: clone, edit by sed, yq or kustomize,
// commit, push. The repository is testdata/gitops, on git's own server 40 ms away.
//
// The tag is known, and none of them asks a registry: tagbump runs with --no-verify.
// The sed scripts are written for exactly this file, by somebody who has looked at it.
// Peers that do not run are lines that say why. One trap: times are of this machine and
// rough; requests, bytes and lines are exact.
//
//	go run ./pkg/internal/benchpeers bin/tagbump bin/yq bin/kustomize
//
// With -start, the same bump is made by a job that has none of the programs: each is first
// downloaded (tagbump from the release in the folder DIST, by the orb's script, and again
// by "go install"), over 100 Mbit/s.
//
//	go run ./pkg/internal/benchpeers -start DIST bin/tagbump bin/yq bin/kustomize
package main

import (
	"cmp"
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

const (
	rounds = 3 // the one with the median time counts
	away   = 40 * time.Millisecond
	// bandwidth is in bytes a second.
	bandwidth = 100_000_000 / 8
	token     = "correct-horse-battery"
	fixture   = "testdata/gitops"
)

func main() {
	dist := flag.String("start", "", "begin with the download of each program; the `folder` has a release of tagbump")
	flag.Parse()
	if flag.NArg() != 3 {
		fmt.Fprintln(os.Stderr, "usage: benchpeers [-start DIST] TAGBUMP YQ KUSTOMIZE")
		os.Exit(2)
	}
	if err := run(*dist, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "benchpeers:", err)
		os.Exit(1)
	}
}

func run(dist string, programs []string) error {
	dir, err := os.MkdirTemp("", "benchpeers-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	b, err := newBench(dir, programs)
	if err != nil {
		return err
	}
	if dist != "" {
		return b.startUp(dist, programs)
	}
	return b.compare()
}

// compare prints what each way costs and changes.
func (b *bench) compare() error {
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "bump\tpeer\tversion\tseconds\trequests\tkB\tfiles\tlines\twith the tag")
	for _, w := range ways {
		m, err := b.measure(w)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %s: %w", w.bump.name, w.peer, err), table.Flush())
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%.2f\t%d\t%.1f\t%d\t+%d -%d\t%d\n", w.bump.name, w.peer, b.versions[w.peer],
			m.took.Seconds(), m.requests, float64(m.bytes)/1000, m.files, m.added, m.removed, m.tagged)
	}
	for _, peer := range notRun {
		fmt.Fprintf(table, "\t%s\tnot run: %s\n", peer.name, peer.why)
	}
	return table.Flush()
}

// A bench has the server, the line to it, and the programs.
type bench struct {
	dir       string
	server    *testenv.GitServer
	link      *testenv.Link
	downloads *testenv.Link // to what jobs install from; nil unless jobs are measured
	files     map[string]string
	env       []string
	versions  map[string]string
}

// newBench starts the server and the line, which end with the process.
func newBench(dir string, programs []string) (*bench, error) {
	b := &bench{dir: dir, versions: make(map[string]string)}
	err := b.find(programs)
	if err == nil {
		b.files, err = fixtureFiles(os.DirFS(fixture))
	}
	if err == nil {
		b.server, err = testenv.ServeGit(dir, token)
	}
	if err != nil {
		return nil, err
	}
	b.link, err = testenv.NewLink(strings.TrimPrefix(b.server.URL, "http://"), testenv.LinkOptions{RTT: away, Handshake: 1, Down: bandwidth})
	return b, err
}

// find sets the programs' versions and the variables that name them in scripts. The
// environment has nobody's git configuration, and credentials as CI scripts have them.
func (b *bench) find(programs []string) error {
	b.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + b.dir, "TAGBUMP_TOKEN=" + token,
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Bench", "GIT_AUTHOR_EMAIL=bench@example.com", "GIT_COMMITTER_NAME=Bench", "GIT_COMMITTER_EMAIL=bench@example.com",
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=http.extraHeader",
		"GIT_CONFIG_VALUE_0=Authorization: " + (&testenv.GitServer{Token: token}).BasicAuth(),
	}
	for i, name := range []string{"tagbump", "yq", "kustomize"} {
		path, err := filepath.Abs(programs[i])
		if err != nil {
			return err
		}
		built, err := buildinfo.ReadFile(path)
		if err != nil {
			return err
		}
		b.env = append(b.env, strings.ToUpper(name)+"="+path)
		b.versions[name] = built.Main.Version
	}
	// The program names its commit by itself; what Go writes into it says "(devel)" in a worktree.
	own, err := exec.Command(programs[0], "--version").Output()
	if err != nil {
		return err
	}
	b.versions["tagbump"], _, _ = strings.Cut(strings.TrimPrefix(string(own), "tagbump "), "\n")
	git, err := testenv.Git(b.dir, "version")
	b.versions["sed"] = strings.TrimSpace(strings.Replace(git, " version", "", 1))
	return err
}

// fixtureFiles are the files of the fixture, whose images are of a registry by the name REGISTRY.
func fixtureFiles(dir fs.FS) (map[string]string, error) {
	all := make(map[string]string)
	err := fs.WalkDir(dir, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		src, err := fs.ReadFile(dir, path)
		all[path] = strings.ReplaceAll(string(src), "REGISTRY", "ghcr.io")
		return err
	})
	return all, err
}

// A measurement is what one bump took, and what it changed.
type measurement struct {
	took     time.Duration
	requests int
	bytes    int64 // both ways
	change
}

// measure returns the round with the median time.
func (b *bench) measure(w way) (measurement, error) {
	var all [rounds]measurement
	for i := range all {
		var err error
		if all[i], err = b.once(w); err != nil {
			return measurement{}, err
		}
	}
	slices.SortFunc(all[:], func(x, y measurement) int { return cmp.Compare(x.took, y.took) })
	return all[rounds/2], nil
}

// once makes a bump in a new repository.
func (b *bench) once(w way) (measurement, error) {
	work, err := os.MkdirTemp(b.dir, "work-")
	if err != nil {
		return measurement{}, err
	}
	name := filepath.Base(work) + ".git"
	repo, err := b.server.Repo(name, b.files)
	if err != nil {
		return measurement{}, err
	}
	env := append(slices.Clone(b.env), "URL=http://"+b.link.Addr+"/"+name, "FILE="+w.bump.file, "IMAGE="+w.bump.image, "TAG="+w.bump.tag)
	b.server.Forget()
	b.link.Take()
	took, err := timed(w.script, work, env)
	m := measurement{took: took}
	if err != nil {
		return m, err
	}
	time.Sleep(away) // bytes on their way are counted, too
	sent := b.link.Take()
	m.requests, m.bytes = len(b.server.Requests()), sent.Up+sent.Down
	m.change, err = changed(repo, w.bump)
	return m, err
}

// timed runs a script in a folder.
func timed(script, dir string, env []string) (time.Duration, error) {
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir, cmd.Env = dir, env
	start := time.Now()
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, out)
	}
	return time.Since(start), err
}

// A change is the extent of a commit.
type change struct {
	files, added, removed int
	tagged                int // added lines that have the tag
}

// changed describes the newest commit, which must have set the tag in the bump's file.
func changed(repo *testenv.GitRepo, want bump) (change, error) {
	var c change
	stat, err := repo.Git("diff", "--numstat", "main^", "main")
	if err != nil {
		return c, err
	}
	for line := range strings.Lines(stat) {
		var added, removed int
		if _, err := fmt.Sscan(line, &added, &removed); err != nil {
			return c, fmt.Errorf("git diff --numstat: %q: %w", line, err)
		}
		c.files, c.added, c.removed = c.files+1, c.added+added, c.removed+removed
	}
	patch, err := repo.Git("diff", "--unified=0", "main^", "main", "--", want.file)
	for line := range strings.Lines(patch) {
		if strings.HasPrefix(line, "+") && strings.Contains(line, want.tag) {
			c.tagged++
		}
	}
	if err == nil && c.tagged == 0 {
		err = fmt.Errorf("%s: the tag is not set", want.file)
	}
	return c, err
}

// Benchregistry prints what it costs to resolve a tag: tagbump beside crane and skopeo,
// which do the same job by as few commands as they can, at two registries 40 ms away.
//
// The requests are counted at the registries, the memory is the peak of the largest
// process. A peer or a registry that is not installed is a line that says so. One trap: times are of this machine and rough, requests are exact.
//
//	go run ./pkg/internal/benchregistry bin/tagbump bin/crane
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// away is how long each request and each new connection takes on its way.
const away = 40 * time.Millisecond

func main() {
	runs := flag.Int("runs", 3, "how often each command runs; the median time counts")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: benchregistry [-runs N] TAGBUMP CRANE")
		os.Exit(2)
	}
	if err := run(*runs, flag.Arg(0), flag.Arg(1)); err != nil {
		fmt.Fprintln(os.Stderr, "benchregistry:", err)
		os.Exit(1)
	}
}

func run(runs int, tagbump, crane string) error {
	dir, err := os.MkdirTemp("", "benchregistry-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{runs: runs, dir: dir, table: tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)}
	if b.tagbump, err = filepath.Abs(tagbump); err != nil {
		return err
	}
	if b.crane, err = filepath.Abs(crane); err != nil {
		return err
	}
	fmt.Fprintln(b.table, "registry\ttags\tjob\ttool\trequests\ttime\tmemory\tanswer")
	err = b.atTokens(10, 1000, 5000)
	if err == nil {
		err = b.atDebian(10, 1000, 5000)
	}
	return errors.Join(err, b.table.Flush())
}

// A bench has the tools and the table.
type bench struct {
	runs                int
	dir, tagbump, crane string
	table               *tabwriter.Writer
}

// A place is a registry with a name, and a count of what it is asked.
type place struct {
	name  string
	host  string
	tags  int
	count func() int
	reset func()
}

// atTokens measures at a registry in this process that wants bearer tokens, and has
// pages of 1,000 tags, as Docker Hub and GHCR.
func (b *bench) atTokens(sizes ...int) error {
	for _, tags := range sizes {
		reg, err := testenv.NewRegistry(testenv.RegistryOptions{Bearer: true})
		if err != nil {
			return err
		}
		if err := push(reg.Push, tags); err != nil {
			return err
		}
		proxied, err := testenv.NewProxy(reg.Host, away)
		if err != nil {
			return err
		}
		reg.SetAddress(proxied.Host)
		b.measure(place{"tokens", proxied.Host, tags, func() int { return len(proxied.Requests()) }, proxied.Reset})
		proxied.Close()
		reg.Close()
	}
	return nil
}

// atDebian measures at docker-registry, which has one page for all.
func (b *bench) atDebian(sizes ...int) error {
	for _, tags := range sizes {
		dir, err := os.MkdirTemp(b.dir, "docker-registry-")
		if err != nil {
			return err
		}
		reg, err := testenv.StartDockerRegistry(dir)
		if errors.Is(err, testenv.ErrNotInstalled) {
			fmt.Fprintf(b.table, "docker-registry\t%d\t\t\t\t\t\t%v\n", tags, err)
			return nil
		}
		if err != nil {
			return err
		}
		proxied, err := testenv.NewProxy(reg.Host, away)
		if err == nil {
			err = push(reg.Push, tags)
		}
		if err != nil {
			reg.Close()
			return err
		}
		b.measure(place{"docker-registry", proxied.Host, tags, func() int { return len(proxied.Requests()) }, proxied.Reset})
		proxied.Close()
		reg.Close()
	}
	return nil
}

// last is the tag that has to be found.
func last(tags int) string { return fmt.Sprintf("1.0.%d", tags-1) }

// push files one image under all tags but the last, which is another one for two platforms.
func push(to func(string, testenv.Image, ...string) (string, error), tags int) error {
	var names []string
	for i := range tags - 1 {
		names = append(names, fmt.Sprintf("1.0.%d", i))
	}
	old := testenv.Image{Created: time.Date(2024, 6, 15, 12, 30, 0, 0, time.UTC)}
	young := testenv.Image{
		Platforms: []string{"linux/amd64", "linux/arm64"}, Created: old.Created.Add(time.Hour),
		Labels: map[string]string{"org.opencontainers.image.revision": "0123456789"},
	}
	// One after the other: docker-registry 2.8 mixes up uploads of the same content.
	if _, err := to("acme/web", old, names...); err != nil {
		return err
	}
	_, err := to("acme/web", young, last(tags))
	return err
}

// A way is one tool's way to do a job. Its command is for sh.
type way struct{ job, tool, command string }

// ways are the jobs. All end with the digest, the platform, the time and the labels of
// the arm64 image; peers that cannot choose are helped by sort.
func (b *bench) ways(p place) []way {
	ref := p.host + "/acme/web"
	tagged := ref + ":" + last(p.tags)
	newest := `| sort -V | tail -n 1`
	skopeo := "skopeo --override-os linux --override-arch arm64 "
	// Without the list of all tags, which inspect adds; the digest is of the index.
	inspect := skopeo + "inspect --tls-verify=false --no-tags docker://"
	return []way{
		{"exact tag", "tagbump", b.tagbump + " resolve " + tagged + " --platform linux/arm64 -o json"},
		{"exact tag", "crane", b.crane + " digest " + tagged + " && " + b.crane + " config --platform linux/arm64 " + tagged},
		{"exact tag", "skopeo", inspect + tagged},
		{"newest by semver", "tagbump", b.tagbump + " resolve " + ref + " --semver '~1.0' --platform linux/arm64 -o json"},
		{"newest by match", "tagbump", b.tagbump + ` resolve ` + ref + ` --match '^1\.0\.(\d+)$' --extract '$1' --order numerical --platform linux/arm64 -o json`},
		{"newest by name", "crane", "tag=$(" + b.crane + " ls " + ref + newest + ") && echo $tag && " + b.crane + " digest " + ref + ":$tag && " + b.crane + " config --platform linux/arm64 " + ref + ":$tag"},
		{"newest by name", "skopeo", "tag=$(skopeo list-tags --tls-verify=false docker://" + ref + ` | sed -n 's/^ *"\(1[^"]*\)",*$/\1/p' ` + newest + ") && echo $tag && " + inspect + ref + ":$tag"},
	}
}

func (b *bench) measure(p place) {
	for _, w := range b.ways(p) {
		if w.tool == "skopeo" && !installed("skopeo") {
			fmt.Fprintf(b.table, "%s\t%d\t%s\t%s\t\t\t\tnot installed\n", p.name, p.tags, w.job, w.tool)
			continue
		}
		var took []time.Duration
		var memory int64
		var answer string
		for range b.runs {
			p.reset()
			start := time.Now()
			stdout, peak, err := shell(w.command, b.dir)
			took = append(took, time.Since(start))
			memory = max(memory, peak)
			answer = judge(stdout, err, w, p)
		}
		slices.Sort(took)
		fmt.Fprintf(b.table, "%s\t%d\t%s\t%s\t%d\t%d ms\t%d MB\t%s\n",
			p.name, p.tags, w.job, w.tool, p.count(), took[len(took)/2].Milliseconds(), memory, answer)
	}
}

// judge says whether the answer names the right tag and its source commit.
func judge(stdout string, err error, w way, p place) string {
	switch {
	case err != nil:
		return err.Error()
	case !strings.Contains(stdout, "0123456789"), w.job != "exact tag" && !strings.Contains(stdout, last(p.tags)):
		return "wrong"
	}
	return "right"
}

// shell runs a command line and returns its output and the peak memory of its largest process, in MB.
func shell(line, home string) (stdout string, peak int64, err error) {
	command := exec.Command("sh", "-c", line)
	command.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home}
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, strings.TrimSpace(stderr.String()))
	}
	if usage, ok := command.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = usage.Maxrss >> 10
	}
	return string(output), peak, err
}

func installed(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}

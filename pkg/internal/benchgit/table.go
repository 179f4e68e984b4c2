package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// The lines of the scenarios: a CI machine far from its server, and the same
// distance without the limits.
var (
	ci   = testenv.LinkOptions{RTT: 40 * time.Millisecond, Handshake: 2, Down: 100e6 / 8}
	far  = testenv.LinkOptions{RTT: 40 * time.Millisecond, Handshake: 1}
	near = testenv.LinkOptions{}

	// ssh's own handshake comes on top of TCP's.
	sshCI = testenv.LinkOptions{RTT: 40 * time.Millisecond, Handshake: 1, Down: 100e6 / 8}
)

func scenarios(rounds int) []scenario {
	quick := []string{"script", "sparse", "tagbump"}
	slow := []string{"go-git", "go-git memory"}
	return []scenario{
		{name: "small", repo: "small.git", file: smallTarget, link: ci, rounds: rounds + 2, methods: append(slices.Clone(quick), slow...)},
		{name: "refs", repo: "refs.git", file: smallTarget, link: ci, rounds: rounds, methods: quick},
		{name: "mono", repo: "mono.git", file: monoTarget, link: ci, rounds: rounds, methods: quick, slow: slow},
		{name: "mono, filters off", repo: "mono-off.git", file: monoTarget, link: ci, rounds: min(rounds, 3), methods: quick},
		{name: "mono, tree:0 only", repo: "mono-flat.git", file: monoTarget, link: ci, rounds: min(rounds, 3), methods: quick},
		{name: "small, ssh", repo: "small.git", file: smallTarget, ssh: true, link: sshCI, rounds: rounds, methods: quick},
		{name: "mono, ssh", repo: "mono.git", file: monoTarget, ssh: true, link: sshCI, rounds: min(rounds, 3), methods: quick},
		{name: "mono, no latency", repo: "mono.git", file: monoTarget, link: near, rounds: min(rounds, 3), methods: quick},
	}
}

// A row is a method's samples in a scenario.
type row struct {
	method  string
	samples []sample
}

func (r row) wall() time.Duration {
	return median(r.samples, func(s sample) time.Duration { return s.wall })
}

func (r row) fastest() time.Duration {
	return slices.MinFunc(r.samples, func(a, b sample) int { return int(a.wall - b.wall) }).wall
}

func (r row) cpu() time.Duration {
	return median(r.samples, func(s sample) time.Duration { return s.cpu })
}

func (r row) count(of func(sample) int64) int64 { return median(r.samples, of) }

func median[T ~int64](samples []sample, of func(sample) T) T {
	var values []T
	for _, s := range samples {
		values = append(values, of(s))
	}
	slices.Sort(values)
	return values[len(values)/2]
}

// bench runs everything and prints it.
func bench(l *lab, list []scenario) error {
	var missed error
	for _, s := range list {
		rows, err := l.measure(s)
		if err != nil {
			return err
		}
		printRows(s, rows)
		missed = errors.Join(missed, judge(s, rows))
	}
	return missed
}

// measure runs the methods in turn, round by round, so that a busy moment hits
// all of them.
func (l *lab) measure(s scenario) ([]row, error) {
	if s.ssh && testenv.FindSSHD() == "" {
		fmt.Printf("\n### %s\n\nnot measured: sshd is not installed\n", s.name)
		return nil, nil
	}
	if err := l.start(s.link); err != nil {
		return nil, err
	}
	defer l.stop()
	var rows []row
	for _, name := range append(slices.Clone(s.methods), s.slow...) {
		rows = append(rows, row{method: name})
	}
	for round := range s.rounds {
		for i := range rows {
			if round > 0 && slices.Contains(s.slow, rows[i].method) {
				continue
			}
			m, err := methodNamed(rows[i].method)
			if err != nil {
				return nil, err
			}
			one, err := l.bump(s, m)
			if err != nil {
				return nil, err
			}
			rows[i].samples = append(rows[i].samples, one)
		}
	}
	return rows, nil
}

func printRows(s scenario, rows []row) {
	if rows == nil {
		return
	}
	fmt.Printf("\n### %s (RTT %s, handshake %d, %d Mbit/s down)\n\n", s.name, s.link.RTT, s.link.Handshake, s.link.Down*8/1e6)
	fmt.Println("| method | n | wall ms (min) | CPU ms | peak MB | conns | requests | up B | down B | tagbump is faster by |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	ours := find(rows, "tagbump")
	for _, r := range rows {
		fmt.Printf("| %s | %d | %d (%d) | %d | %.1f | %d | %d | %d | %d | %.1f× |\n",
			r.method, len(r.samples), r.wall().Milliseconds(), r.fastest().Milliseconds(), r.cpu().Milliseconds(), r.peakMB(),
			r.count(conns), r.count(requests), r.count(up), r.count(down), ratio(r, ours))
	}
}

func conns(s sample) int64    { return int64(s.stats.Link.Conns) }
func requests(s sample) int64 { return int64(s.stats.Requests) }
func up(s sample) int64       { return s.stats.Link.Up }
func down(s sample) int64     { return s.stats.Link.Down }

func (r row) peakMB() float64 {
	return float64(r.count(func(s sample) int64 { return s.rss })) / (1 << 20)
}

func ratio(a, b row) float64 { return float64(a.wall()) / float64(b.wall()) }

func find(rows []row, name string) row {
	return rows[slices.IndexFunc(rows, func(r row) bool { return r.method == name })]
}

// A bar is what must hold in a scenario.
type bar struct {
	scenario string
	text     string
	value    func(rows []row) float64
	most     float64 // 0: no limit
	least    float64
}

var bars = []bar{
	{"mono", "requests", of(requests), 6, 0},
	{"mono", "bytes down", of(down), 100_000, 0},
	{"mono", "peak MB", func(rows []row) float64 { return find(rows, "tagbump").peakMB() }, 40, 0},
	{"mono", "times faster than the script", faster("script"), 0, 20},
	{"mono", "times faster than the sparse clone", faster("sparse"), 0, 2.3},
	{"small", "times faster than the script", faster("script"), 0, 1.4},
	{"refs", "bytes down", of(down), 8_000, 0},
	{"mono, filters off", "times faster than the script", faster("script"), 0, 8},
	{"mono, ssh", "connections", of(conns), 1, 0},
	{"mono, ssh", "times faster than the script", faster("script"), 0, 5},
}

func of(count func(sample) int64) func([]row) float64 {
	return func(rows []row) float64 { return float64(find(rows, "tagbump").count(count)) }
}

func faster(than string) func([]row) float64 {
	return func(rows []row) float64 { return ratio(find(rows, than), find(rows, "tagbump")) }
}

// judge prints the bars of a scenario, and returns those that were missed.
func judge(s scenario, rows []row) error {
	var missed error
	for _, b := range bars {
		if b.scenario != s.name || rows == nil {
			continue
		}
		value := b.value(rows)
		verdict, want := "ok", fmt.Sprintf("≥ %g", b.least)
		if b.most > 0 {
			want = fmt.Sprintf("≤ %g", b.most)
		}
		if value < b.least || b.most > 0 && value > b.most {
			verdict = "MISSED"
			missed = errors.Join(missed, fmt.Errorf("%s: %s: %.1f, want %s", s.name, b.text, value, want))
		}
		fmt.Printf("- %s: %.1f (%s): %s\n", b.text, value, want, verdict)
	}
	return missed
}

// newLab makes the repositories and the place to work in.
func newLab(dir string) (*lab, func(), error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	// In a process of its own: the memory of this one counts for its children.
	bed := exec.Command(self, "bed", dir)
	bed.Stderr = os.Stderr
	if err := bed.Run(); err != nil {
		return nil, nil, err
	}
	scratch, err := os.MkdirTemp("", "benchgit")
	if err != nil {
		return nil, nil, err
	}
	return &lab{self: self, bed: dir, scratch: scratch}, func() { _ = os.RemoveAll(scratch) }, nil
}

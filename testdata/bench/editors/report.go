package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/tagbump/tagbump/testdata/bench/corpus"
)

// A report prints the tables.
type report struct {
	out     io.Writer
	corpus  corpus.Collection
	tag     string
	results []result
}

func (r report) print() {
	c := r.corpus
	shapes := map[corpus.Shape]int{}
	for _, s := range c.Samples {
		shapes[s.Shape]++
	}
	fmt.Fprintf(r.out, "%d files, %.1f MB; one edit to the tag %q in each of %d: %d YAML, %d templates, %d YAML in a block scalar\n",
		c.Files, float64(c.Bytes)/1e6, r.tag, len(c.Samples), shapes[corpus.PlainYAML], shapes[corpus.Template], shapes[corpus.Embedded])
	fmt.Fprintf(r.out, "no image with a tag: %d; has one that tagbump does not change: %d; not readable: %d\n", c.Without, len(c.Refused), len(c.Unparsed))
	for _, why := range slices.Concat(c.Refused, c.Unparsed) {
		fmt.Fprintf(r.out, "  %s\n", why)
	}
	fmt.Fprintln(r.out, "\nYAML files: what each editor changes")
	r.edits(corpus.PlainYAML)
	for _, s := range []corpus.Shape{corpus.Template, corpus.Embedded} {
		if shapes[s] > 0 {
			fmt.Fprintf(r.out, "\n%s: what each editor changes\n", s)
			r.edits(s)
		}
	}
	fmt.Fprintln(r.out, "\nYAML files that every editor could write: time per edit, the best of all repetitions")
	fmt.Fprintln(r.out, "(tagbump parses its result again and compares every node; nobody else checks anything)")
	r.times()
}

func (r report) edits(s corpus.Shape) {
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "editor\tfiles\tminimal\tone line\twrong\tfailed\tcollateral lines p50/p99/max\tCRLF lost\tcomments lost")
	for _, result := range r.results {
		t := result.tally(s)
		fmt.Fprintf(table, "%s\t%d\t%.1f %%\t%.1f %%\t%d\t%d\t%s\t%d of %d\t%d\n", result.tool.name, t.files,
			percent(t.minimal, t.files), percent(t.oneLine, t.files), t.wrong, t.failed, spread(t.collateral), t.crlfLost, t.crlf, t.commentsLost)
	}
	table.Flush()
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

type tally struct {
	files, minimal, oneLine, wrong, failed, crlf, crlfLost, commentsLost int
	collateral                                                           []int
}

func (r result) tally(s corpus.Shape) tally {
	var t tally
	for i, v := range r.verdicts {
		if r.samples[i].Shape != s {
			continue
		}
		t.files++
		t.crlf += count(r.samples[i].HasCRLF())
		t.minimal += count(v.minimal)
		t.oneLine += count(v.oneLine)
		t.wrong += count(v.wrong != nil)
		t.failed += count(v.failed != nil)
		t.crlfLost += count(v.crlfLost)
		t.commentsLost += count(v.commentsLost)
		if v.failed == nil {
			t.collateral = append(t.collateral, v.collateral)
		}
	}
	return t
}

func count(holds bool) int {
	if holds {
		return 1
	}
	return 0
}

// spread is the median, the 99th percentile and the maximum.
func spread(numbers []int) string {
	if len(numbers) == 0 {
		return "-"
	}
	slices.Sort(numbers)
	return fmt.Sprintf("%d / %d / %d", numbers[len(numbers)/2], numbers[len(numbers)*99/100], numbers[len(numbers)-1])
}

func (r report) times() {
	common, bytes := r.writtenByAll()
	if len(common) == 0 {
		fmt.Fprintln(r.out, "none")
		return
	}
	table := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "editor\tfiles\tmedian\tmean\tMB/s\ttime, in tagbump's (median / mean)")
	own := r.results[0].timing(common)
	for _, result := range r.results {
		t := result.timing(common)
		fmt.Fprintf(table, "%s\t%d\t%d µs\t%d µs\t%.1f\t%.2f / %.2f\n", result.tool.name, len(common), t.median.Microseconds(), t.mean.Microseconds(),
			float64(bytes)/1e6/t.total.Seconds(), ratio(t.median, own.median), ratio(t.mean, own.mean))
	}
	table.Flush()
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// writtenByAll lists the samples that no tool failed at, and sums their sizes.
func (r report) writtenByAll() (indexes []int, bytes int) {
	for i, s := range r.corpus.Samples {
		failed := slices.ContainsFunc(r.results, func(r result) bool { return r.best[i] == 0 })
		if s.Shape == corpus.PlainYAML && !failed {
			indexes = append(indexes, i)
			bytes += len(s.Text)
		}
	}
	return indexes, bytes
}

type timing struct{ median, mean, total time.Duration }

func (r result) timing(indexes []int) timing {
	var t timing
	var all []time.Duration
	for _, i := range indexes {
		all = append(all, r.best[i])
		t.total += r.best[i]
	}
	slices.Sort(all)
	t.median, t.mean = all[len(all)/2], t.total/time.Duration(len(all))
	return t
}

func printBlame(out io.Writer, results []result) {
	for _, r := range results {
		for i, v := range r.verdicts {
			switch s := r.samples[i]; {
			case v.failed != nil:
				fmt.Fprintf(out, "%s: %s:%d: failed: %v\n", r.tool.name, s.Name, s.Want.Target.Line, v.failed)
			case v.wrong != nil:
				fmt.Fprintf(out, "%s: %s:%d: wrong: %v\n", r.tool.name, s.Name, s.Want.Target.Line, v.wrong)
			case isTagbump(r.tool) && !v.minimal:
				fmt.Fprintf(out, "%s: %s:%d: not minimal\n", r.tool.name, s.Name, s.Want.Target.Line)
			}
		}
	}
}

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/tagbump/tagbump/testdata/bench/corpus"
)

// A result is what one tool did with every sample.
type result struct {
	tool     tool
	samples  []corpus.Sample
	verdicts []verdict
	best     []time.Duration // of each edit; 0 if it failed
}

func (r result) allMinimal() bool {
	for _, v := range r.verdicts {
		if !v.minimal {
			return false
		}
	}
	return true
}

// compare lets every tool make every edit, judges it once, and times it repeat
// times. The tools take turns, so that what else the machine does hits them alike.
func compare(ctx context.Context, samples []corpus.Sample, repeat int) ([]result, error) {
	j, err := newJudge(ctx)
	if err != nil {
		return nil, err
	}
	defer j.close()
	var results []result
	for _, t := range tools() {
		r := result{tool: t, samples: samples, best: make([]time.Duration, len(samples))}
		for _, s := range samples {
			v, err := attempt(j, t, s)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", s.Name, t.name, err)
			}
			r.verdicts = append(r.verdicts, v)
		}
		results = append(results, r)
	}
	for range repeat {
		for i, s := range samples {
			for _, r := range results {
				r.time(i, s)
			}
		}
	}
	return results, nil
}

func attempt(j *judge, t tool, s corpus.Sample) (verdict, error) {
	if s.Shape == corpus.Embedded && !isTagbump(t) {
		return verdict{failed: errNoTarget}, nil // the other tools have no path into it
	}
	after, err := edited(t, s)
	if err != nil {
		return verdict{failed: err}, nil
	}
	return j.judge(s, after)
}

func isTagbump(t tool) bool { return strings.HasPrefix(t.name, "tagbump") }

// edited makes the edit; a tool's panic is its error.
func edited(t tool, s corpus.Sample) (after []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return t.edit(s)
}

func (r result) time(i int, s corpus.Sample) {
	if r.verdicts[i].failed != nil {
		return
	}
	start := time.Now()
	if _, err := edited(r.tool, s); err != nil {
		return
	}
	if took := time.Since(start); r.best[i] == 0 || took < r.best[i] {
		r.best[i] = took
	}
}

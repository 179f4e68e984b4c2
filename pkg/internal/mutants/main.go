// Command mutants holds that the tests notice when a guard is taken out.
//
// It reads a checked-in list of mutations, applies each in a copy of the checkout
// and runs the tests that should fail then. A mutation whose tests pass has
// survived: the guard is held by no test. The exit code is 1 when one survives and
// 2 when the list cannot be applied, because the code has moved on.
//
// Build failures are errors of the list and not kills. Tests that do not end in time
// are told apart, because a busy machine can be the reason, too.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

func main() {
	only := flag.String("only", "", "run only mutations whose ID matches this regular expression")
	jobs := flag.Int("jobs", 2, "mutations tested at the same time")
	timeout := flag.Duration("timeout", 10*time.Minute, "longest run of the tests of one mutation")
	check := flag.Bool("check", false, "only check that each mutation applies")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, options{*only, *jobs, *timeout, *check}, flag.Args()))
}

type options struct {
	only      string
	jobs      int
	timeout   time.Duration
	checkOnly bool
}

// run returns the exit code: 0 when every mutation was killed.
func run(ctx context.Context, opts options, lists []string) int {
	mutations, err := load(lists, opts.only)
	if err == nil {
		err = checkAll(".", mutations)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	if opts.checkOnly {
		fmt.Printf("%d mutations apply\n", len(mutations))
		return 0
	}
	results, err := testAll(ctx, opts, mutations)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	return report(results)
}

// load reads the lists and keeps the mutations whose ID matches only.
func load(lists []string, only string) ([]Mutation, error) {
	pattern, err := regexp.Compile(only)
	if err != nil {
		return nil, fmt.Errorf("-only: %w", err)
	}
	var all []Mutation
	for _, name := range lists {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		mutations, err := Parse(name, string(text))
		if err != nil {
			return nil, err
		}
		for _, m := range mutations {
			if pattern.MatchString(m.ID) {
				all = append(all, m)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no mutation matches %q in %d lists", only, len(lists))
	}
	return all, nil
}

// A Result says what became of one mutation.
type Result struct {
	Mutation Mutation
	State    State
	Took     time.Duration
	Output   string // what the tests printed
}

// A State is the end of one mutation.
type State string

// The states of a mutation after its tests.
const (
	Killed   State = "killed"
	Hung     State = "hung" // its tests did not end in time
	Survived State = "SURVIVED"
	Broken   State = "BROKEN" // does not compile, or was not tested
)

// testAll tests the mutations in as many copies of the checkout as there are jobs.
func testAll(ctx context.Context, opts options, mutations []Mutation) ([]Result, error) {
	work, err := os.MkdirTemp("", "mutants-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	results := make([]Result, len(mutations))
	next := make(chan int)
	var workers sync.WaitGroup
	for job := range opts.jobs {
		dir := filepath.Join(work, fmt.Sprint(job))
		if err := copyCheckout(".", dir); err != nil {
			return nil, err
		}
		workers.Go(func() {
			for i := range next {
				results[i] = test(ctx, dir, mutations[i], opts.timeout)
				show(results[i])
			}
		})
	}
	for i := range mutations {
		next <- i
	}
	close(next)
	workers.Wait()
	return results, ctx.Err()
}

// test applies one mutation to the copy in dir, runs its tests and undoes it.
func test(ctx context.Context, dir string, m Mutation, timeout time.Duration) Result {
	start := time.Now()
	name := filepath.Join(dir, filepath.FromSlash(m.File))
	before, err := os.ReadFile(name)
	if err != nil {
		return Result{Mutation: m, State: Broken, Output: err.Error()}
	}
	defer os.WriteFile(name, before, 0o644)
	if err := os.WriteFile(name, []byte(m.Apply(string(before))), 0o644); err != nil {
		return Result{Mutation: m, State: Broken, Output: err.Error()}
	}
	out, err := goTest(ctx, dir, m.Test, timeout)
	return Result{m, stateOf(out, err), time.Since(start), out}
}

// goTest runs go test. The path of the copy is kept out of the compiled packages,
// so that all copies share the build cache.
func goTest(ctx context.Context, dir string, args []string, timeout time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout+2*time.Minute) // two minutes to compile
	defer cancel()
	all := append([]string{"test", "-trimpath", "-vet=off", "-count=1", "-failfast", "-timeout", timeout.String()}, args...)
	cmd := exec.CommandContext(ctx, "go", all...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func stateOf(output string, err error) State {
	switch {
	case err == nil && strings.Contains(output, "no tests to run"):
		return Broken
	case err == nil:
		return Survived
	case strings.Contains(output, "[build failed]") || strings.Contains(output, "[setup failed]"):
		return Broken
	case strings.Contains(output, "panic: test timed out"):
		return Hung
	case strings.Contains(output, "FAIL"):
		return Killed
	}
	return Broken // go test itself was stopped
}

func show(r Result) {
	fmt.Printf("%-8s %-7s %-45s %5.1fs\n", r.State, r.Mutation.Rating, r.Mutation.ID, r.Took.Seconds())
	if r.State == Broken {
		fmt.Println(r.Output)
	}
}

// report prints the survivors and the totals, and returns the exit code.
func report(results []Result) int {
	count := make(map[State]int)
	for _, r := range results {
		count[r.State]++
		if r.State == Survived {
			fmt.Printf("\nsurvived: %s (%s)\n\t%s: %s\n\tgo test %s\n", r.Mutation.ID, r.Mutation.Rating, r.Mutation.File, r.Mutation.About, strings.Join(r.Mutation.Test, " "))
		}
	}
	fmt.Printf("\n%d mutations: %d killed, %d hung, %d survived, %d broken\n", len(results), count[Killed], count[Hung], count[Survived], count[Broken])
	switch {
	case count[Broken] > 0:
		return 2
	case count[Survived] > 0:
		return 1
	}
	return 0
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tagbump/tagbump/pkg/cli"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// A crowd is many updates at once, each of its own key in one file.
type crowd struct {
	name string
	bump func(ctx context.Context, l *lab, key int, value string) (attempts int, err error)
}

var crowds = []crowd{
	{"tagbump", contend},
	{"git pull --rebase loop", rebaseLoop},
}

// contention runs each crowd and prints how it went.
func contention(l *lab, bumpers int) error {
	if err := l.start(far); err != nil {
		return err
	}
	defer l.stop()
	fmt.Printf("\n### %d updates at once, one file, RTT %s\n\n", bumpers, far.RTT)
	fmt.Println("| method | landed | seconds | attempts sum / median / max | latency s p50 / p95 |")
	fmt.Println("|---|---|---|---|---|")
	var failed error
	for i, c := range crowds {
		if err := l.crowd(c, bumpers, fmt.Sprintf("%d-%d", time.Now().Unix(), i)); err != nil {
			fmt.Printf("\n%s: %v\n", c.name, err)
			if c.name == "tagbump" {
				failed = err
			}
		}
	}
	return failed
}

func (l *lab) crowd(c crowd, bumpers int, value string) error {
	repo := testenv.GitRepo{Dir: filepath.Join(l.bed, "keys.git")}
	before, err := repo.Tip("main")
	if err != nil {
		return err
	}
	attempts, latency := make([]int, bumpers), make([]time.Duration, bumpers)
	var landed atomic.Int64
	var problems sync.Map
	var wg sync.WaitGroup
	start := time.Now()
	for key := range bumpers {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
			defer cancel()
			n, err := c.bump(ctx, l, key, value)
			attempts[key], latency[key] = n, time.Since(start)
			if err != nil {
				problems.Store(key, err)
				return
			}
			landed.Add(1)
		})
	}
	wg.Wait()
	total := time.Since(start)
	slices.Sort(attempts)
	slices.Sort(latency)
	sum := 0
	for _, n := range attempts {
		sum += n
	}
	fmt.Printf("| %s | %d of %d | %.1f | %d / %d / %d | %.1f / %.1f |\n", c.name, landed.Load(), bumpers, total.Seconds(),
		sum, attempts[bumpers/2], attempts[bumpers-1], latency[bumpers/2].Seconds(), latency[bumpers*95/100].Seconds())
	problems.Range(func(key, err any) bool {
		fmt.Fprintf(os.Stderr, "%s: bumper %v: %v\n", c.name, key, err)
		return true
	})
	return checkCrowd(repo, before, bumpers, value)
}

// checkCrowd holds the branch to one commit for each bumper, in a line, and the
// file to every value.
func checkCrowd(repo testenv.GitRepo, before string, bumpers int, value string) error {
	count, err := repo.Git("rev-list", "--count", before+"..refs/heads/main")
	if err != nil {
		return err
	}
	merges, err := repo.Git("rev-list", "--count", "--merges", before+"..refs/heads/main")
	if err != nil {
		return err
	}
	text, err := repo.File("main", "values.yaml")
	if err != nil {
		return err
	}
	var problem error
	if got := strings.TrimSpace(count); got != fmt.Sprint(bumpers) {
		problem = fmt.Errorf("%s commits, want %d", got, bumpers)
	}
	if strings.TrimSpace(merges) != "0" {
		problem = errors.Join(problem, fmt.Errorf("%s merges", merges))
	}
	if got := strings.Count(text, value); got != bumpers {
		problem = errors.Join(problem, fmt.Errorf("%d values in the file, want %d", got, bumpers))
	}
	return errors.Join(problem, repo.Fsck())
}

// contend runs the command itself, as fifty jobs would.
func contend(ctx context.Context, l *lab, key int, value string) (int, error) {
	var stdout, stderr bytes.Buffer
	code := cli.Run(ctx, cli.Env{
		Args: []string{
			"update", "acme/app:" + value, "--path", fmt.Sprintf("app-%02d", key), "--repo", l.ends.HTTP + "/keys.git", "--file", "values.yaml",
			"--no-verify", "--on-stale", "allow", "--output", "json",
		},
		Stdout: &stdout, Stderr: &stderr, Now: time.Now, Dir: l.scratch,
		Getenv: func(name string) string { return map[string]string{"TAGBUMP_TOKEN": token}[name] },
	})
	var report struct{ Attempts int }
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil || code != 0 {
		return report.Attempts, fmt.Errorf("exit code %d: %s", code, stderr.String())
	}
	return report.Attempts, nil
}

// rebaseLoop is what people write: commit, push, and pull --rebase until it goes
// through. Neighbouring lines conflict, so the script edits again instead of
// giving up.
const rebaseScript = `
git clone -q --depth 1 "$URL" work || exit 1
cd work
n=0
while [ $n -lt 100 ]; do
	n=$((n+1))
	sed -i "s/^$KEY: .*/$KEY: \"$VALUE\"/" values.yaml
	git commit -q -a -m "$KEY" >/dev/null 2>&1
	if git push -q origin HEAD 2>/dev/null; then echo $n; exit 0; fi
	sleep "$(awk -v s="$n$$" 'BEGIN{srand(s); print rand()}')"
	git pull -q --rebase >/dev/null 2>&1 || { git rebase --abort >/dev/null 2>&1; git fetch -q --depth 1 origin main 2>/dev/null; git reset -q --hard FETCH_HEAD; }
done
exit 1
`

func rebaseLoop(ctx context.Context, l *lab, key int, value string) (int, error) {
	dir, err := os.MkdirTemp(l.scratch, "loop")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	return runLoop(ctx, dir, append(environment(job{url: l.ends.HTTP + "/keys.git", token: token}, dir), fmt.Sprintf("KEY=app-%02d", key), "VALUE="+value))
}

func runLoop(ctx context.Context, dir string, env []string) (int, error) {
	cmd := exec.CommandContext(ctx, "sh", "-c", rebaseScript)
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.Output()
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(out)))
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// A Run is what tagbump did with one image.
type Run struct {
	Tag     string // the new one
	Exit    int
	Asked   bool              // the first try asked for --all, and was made again with it
	Changed map[string]string // "file:line" to the new text
	Before  map[string]string // the same to the old text
	Message string            // stderr
}

// unexpected lists the changed lines that the oracle does not know, sorted.
func (r Run) unexpected(img Image) []string {
	known := make(map[string]bool)
	for _, p := range img.Places {
		known[p.at()] = true
	}
	var unknown []string
	for _, at := range slices.Sorted(maps.Keys(r.Changed)) {
		if !known[at] {
			unknown = append(unknown, at)
		}
	}
	return unknown
}

// A Verdict says how a run compares with the oracle.
type Verdict int

// Verdicts, from good to bad.
const (
	Exact    Verdict = iota // the places that deploy, all of them, and nothing else
	Attached                // the same, and tags whose image another file names
	Filled                  // the same, and a missing tag was put in
	Digest                  // refused: a digest beside the tag
	Refused                 // refused for another reason, with nothing changed
	Extra                   // CI, tests, documents or archives, too
	Missed                  // some of the places that deploy, or none found
	Stopped                 // an error that is about no place of the image
	Wrong                   // another line was changed
)

var verdicts = [...]string{"exact", "attached", "filled", "digest", "refused", "extra", "missed", "stopped", "wrong"}

func (v Verdict) String() string { return verdicts[v] }

func judge(img Image, got Run) Verdict {
	missed, extra, sealed := 0, 0, 0
	for _, p := range img.Places {
		after, changed := got.Changed[p.at()]
		switch {
		case changed && p.Kind == Sealed, changed && !strings.Contains(after, got.Tag):
			sealed++
		case changed && p.Kind == Aside:
			extra++
		case !changed && p.Kind == Deploys:
			missed++
		}
	}
	unexpected := got.unexpected(img)
	switch {
	case sealed > 0:
		return Wrong
	case got.Exit != 0:
		return judgeRefusal(img, got)
	case slices.ContainsFunc(unexpected, func(at string) bool { return !isExplained(got, img.Name, at) }):
		return Wrong
	case missed > 0:
		return Missed
	case extra > 0:
		return Extra
	case slices.ContainsFunc(unexpected, func(at string) bool { return isFill(got, img.Name, at) }):
		return Filled
	case slices.ContainsFunc(unexpected, func(at string) bool { return isTagAlone(got, at) }):
		return Attached
	}
	return Exact
}

// isExplained reports whether a line that the oracle does not know changed as it
// may: a missing tag was put in, a tag without a name beside it was changed, or the
// digest that belongs to a tag on another line.
func isExplained(got Run, name, at string) bool {
	digest := strings.Contains(got.Before[at], "sha256:") && strings.Contains(got.Changed[at], newDigest)
	return digest || isFill(got, name, at) || isTagAlone(got, at)
}

var emptyTag = regexp.MustCompile(`(?i)(tag|version):\s*(""|''|~|null|)\s*(#.*)?$`)

// isFill reports whether the line got a tag that was missing.
func isFill(got Run, name, at string) bool {
	before, after := got.Before[at], got.Changed[at]
	last := name[strings.LastIndex(name, "/")+1:]
	bare := strings.Contains(before, last) && !strings.Contains(before, last+":") && strings.Contains(after, last+":"+got.Tag)
	put := before == "" && strings.Contains(after, got.Tag)
	return bare || put || emptyTag.MatchString(before)
}

var tagAlone = regexp.MustCompile(`(?i)(tag|version)["']?:\s*["']?`)

// isTagAlone reports whether only the value of a tag key changed. Which image it
// belongs to is for a person to judge.
func isTagAlone(got Run, at string) bool {
	before, after := tagAlone.FindStringIndex(got.Before[at]), tagAlone.FindStringIndex(got.Changed[at])
	return before != nil && after != nil && strings.HasPrefix(got.Changed[at][after[1]:], got.Tag)
}

// judgeRefusal sorts runs that ended with an error. An error that names a place of
// the image, its digest, a template or a seal is a refusal.
func judgeRefusal(img Image, got Run) Verdict {
	switch {
	case len(got.Changed) > 0:
		return Wrong
	case got.Exit == 5 && strings.Contains(got.Message, "not found"):
		return Missed
	case slices.ContainsFunc(img.Places, func(p Place) bool { return p.Digest }):
		return Digest
	case slices.ContainsFunc(img.Places, func(p Place) bool { return strings.Contains(got.Message, p.File) }):
		return Refused
	case got.Exit == 1 || got.Exit == 7:
		return Stopped
	}
	return Refused
}

// A workCopy is a git checkout of a repository's files.
type workCopy struct{ dir string }

func newCopy(from string) (workCopy, error) {
	dir, err := os.MkdirTemp("", "repositories-*")
	if err != nil {
		return workCopy{}, err
	}
	c := workCopy{dir}
	if err := os.CopyFS(filepath.Join(dir, "tree"), os.DirFS(from)); err != nil {
		return c, errors.Join(err, c.remove())
	}
	for _, args := range [][]string{{"init", "-q"}, {"add", "-A", "-f"}, {"commit", "-q", "-m", "all", "--no-verify"}} {
		if _, err := c.git(args...); err != nil {
			return c, errors.Join(err, c.remove())
		}
	}
	return c, nil
}

func (c workCopy) remove() error { return os.RemoveAll(c.dir) }

func (c workCopy) git(args ...string) (string, error) {
	cmd := exec.Command("git", append([]string{"-c", "core.autocrlf=false", "-c", "core.quotePath=false", "-c", "gc.auto=0"}, args...)...)
	cmd.Dir = filepath.Join(c.dir, "tree")
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@b.c", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@b.c")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("git %s: %w: %s", args[0], err, stderr.String())
	}
	return string(out), nil
}

// update runs tagbump for one image and puts the files back.
func (c workCopy) update(binary string, img Image) (Run, error) {
	got := Run{Tag: newTag(img)}
	args := []string{"update", img.Name + ":" + got.Tag, "--no-verify", "--on-stale", "allow", "--repo", "tree"}
	if img.pinned() {
		args[1] += "@" + newDigest
		args = append(args, "--pin-digest")
	}
	got.Exit, got.Message = c.tagbump(binary, args)
	if got.Exit == 2 && strings.Contains(got.Message, "--all") {
		got.Asked = true
		got.Exit, got.Message = c.tagbump(binary, append(args, "--all"))
	}
	diff, err := c.git("diff", "-U0", "--no-color", "--no-ext-diff")
	if err != nil {
		return got, err
	}
	got.Before, got.Changed = changedLines(diff)
	if len(got.Changed) > 0 {
		_, err = c.git("checkout", "-q", ".")
	}
	return got, err
}

func (c workCopy) tagbump(binary string, args []string) (exit int, stderr string) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = c.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir}
	var out bytes.Buffer
	cmd.Stderr = &out
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), out.String()
}

// newDigest is the digest of all invented tags.
const newDigest = "sha256:feedfacefeedfacefeedfacefeedfacefeedfacefeedfacefeedfacefeedface"

// newTag invents a tag of the form of the deployed one.
func newTag(img Image) string {
	for _, p := range img.Places {
		if strings.HasPrefix(p.Tag, "v") && len(p.Tag) > 1 && p.Tag[1] >= '0' && p.Tag[1] <= '9' {
			return "v987.65.4"
		}
	}
	return "987.65.4"
}

var hunk = regexp.MustCompile(`^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@`)

// changedLines reads a diff without context: the old and new text of each line.
// A line that was put in has an old text of "".
func changedLines(diff string) (before, after map[string]string) {
	before, after = make(map[string]string), make(map[string]string)
	name, was, is := "", 0, 0
	var old []string
	for text := range strings.SplitSeq(diff, "\n") {
		switch m := hunk.FindStringSubmatch(text); {
		case m != nil:
			fmt.Sscan(m[1], &was)
			fmt.Sscan(m[2], &is)
			old = nil
		case strings.HasPrefix(text, "+++ b/"):
			name = strings.TrimPrefix(text, "+++ b/")
		case strings.HasPrefix(text, "--- "):
		case strings.HasPrefix(text, "-"):
			old = append(old, text[1:])
		case strings.HasPrefix(text, "+"):
			at := fmt.Sprintf("%s:%d", strings.TrimSuffix(name, "\t"), is)
			after[at] = text[1:]
			if len(old) > 0 {
				before[at], old = old[0], old[1:]
			}
			is++
		}
	}
	return before, after
}

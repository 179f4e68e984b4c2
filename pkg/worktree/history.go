package worktree

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A History is the latest commits of a checkout, and what files were in them.
type History struct {
	Commits []Commit // the newest first; of a merge only the first parent is followed
	// More says that there are older commits, and Shallow that this clone does not have
	// them.
	More, Shallow bool
	// Files has the versions of each file by the name that it has now, the newest first.
	// Renames are not followed.
	Files map[string][]Version
}

// A Commit is what a commit says about itself.
type Commit struct {
	Hash    string
	Author  string // "Ada <ada@acme.example>"
	When    time.Time
	Message string
	Merged  []string // the messages of the commits that a merge brought in, the newest first
}

// A Version is what a file was from one commit on until the next Version above it.
type Version struct {
	// Commit is the index of the commit that made it; len(Commits) when that is an
	// older one, which was not looked at.
	Commit int
	Data   []byte // nil where the file did not exist
}

// maxMerged is how many commits of a merge are looked at.
const maxMerged = 50

// History returns the latest commits up to the commit at, "" for HEAD, at most most, and
// the versions of the named files. A folder outside of a checkout has none.
func (d *Dir) History(ctx context.Context, at string, names []string, most int) (History, error) {
	h := History{Files: map[string][]Version{}}
	g := newGit(d.name)
	if at == "" {
		at = "HEAD"
	}
	if !isBelowRepository(d.name) {
		return h, nil
	}
	if _, err := g.out(ctx, "rev-parse", "--verify", "--quiet", at+"^{commit}"); err != nil {
		return h, nil // no commit yet
	}
	if err := h.readCommits(ctx, g, at, most); err != nil {
		return h, d.explain(err)
	}
	prefix, err := g.out(ctx, "rev-parse", "--show-prefix")
	if err != nil {
		return h, d.explain(err)
	}
	full := make([]string, len(names))
	for i, name := range names {
		real, err := d.resolve(name)
		if err != nil {
			return h, fmt.Errorf("%s: %w", name, reason(err))
		}
		full[i] = prefix + real
	}
	if err := h.readFiles(ctx, g, names, full); err != nil {
		return h, d.explain(err)
	}
	return h, nil
}

// readCommits asks for one commit more than is wanted, to know whether there are more.
func (h *History) readCommits(ctx context.Context, g git, at string, most int) error {
	const fields = 5
	out, err := g.out(ctx, "-c", "log.showSignature=false", "log", "--first-parent", "-z", "--no-color",
		"--format=%H%x00%an <%ae>%x00%ct%x00%P%x00%B", "-n", strconv.Itoa(most+1), at, "--")
	if err != nil {
		return err
	}
	parts := strings.Split(out, "\x00")
	for ; len(parts) >= fields; parts = parts[fields:] {
		seconds, err := strconv.ParseInt(parts[2], 10, 64)
		if err != nil {
			return fmt.Errorf("git log: %q is not a time", parts[2])
		}
		c := Commit{Hash: parts[0], Author: parts[1], When: time.Unix(seconds, 0).UTC(), Message: parts[4]}
		if parents := strings.Fields(parts[3]); len(parents) > 1 && len(h.Commits) < maxMerged {
			if c.Merged, err = merged(ctx, g, parents); err != nil {
				return err
			}
		}
		h.Commits = append(h.Commits, c)
	}
	if h.More = len(h.Commits) > most; h.More {
		h.Commits = h.Commits[:most]
		return nil
	}
	shallow, err := g.out(ctx, "rev-parse", "--is-shallow-repository")
	h.Shallow = shallow == "true"
	h.More = h.Shallow
	return err
}

// merged returns the messages of the commits that a merge of parents brought in.
func merged(ctx context.Context, g git, parents []string) ([]string, error) {
	args := append([]string{"-c", "log.showSignature=false", "log", "-z", "--no-color", "--format=%B", "-n", strconv.Itoa(maxMerged), "^" + parents[0]}, parents[1:]...)
	out, err := g.out(ctx, append(args, "--")...)
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(out, "\x00"), "\x00"), nil
}

// readFiles asks git once which object each file is in each commit, and once for those
// that differ.
func (h *History) readFiles(ctx context.Context, g git, names, full []string) error {
	var questions strings.Builder
	for _, name := range full {
		for _, c := range h.Commits {
			fmt.Fprintf(&questions, "%s:%s\n", c.Hash, name)
		}
	}
	if questions.Len() == 0 {
		return nil
	}
	out, err := g.pipe(ctx, questions.String(), "cat-file", "--batch-check=%(objecttype) %(objectname)")
	if err != nil {
		return err
	}
	answers := strings.Split(out, "\n")
	if len(answers) != len(full)*len(h.Commits) {
		return fmt.Errorf("git cat-file: %d answers to %d questions", len(answers), len(full)*len(h.Commits))
	}
	blobs := map[string][]byte{}
	for i, name := range names {
		for n := range h.Commits {
			id, _ := strings.CutPrefix(answers[i*len(h.Commits)+n], "blob ")
			if len(id) < 40 || strings.Contains(id, " ") {
				id = ""
			}
			answers[i*len(h.Commits)+n] = id
			if id != "" {
				blobs[id] = nil
			}
		}
		h.Files[name] = nil
	}
	if err := readBlobs(ctx, g, blobs); err != nil {
		return err
	}
	for i, name := range names {
		h.Files[name] = h.versions(answers[i*len(h.Commits):(i+1)*len(h.Commits)], blobs)
	}
	return nil
}

// versions returns the runs of commits in which a file is the same.
func (h *History) versions(ids []string, blobs map[string][]byte) []Version {
	var all []Version
	for i, id := range ids {
		last := i == len(ids)-1
		if !last && ids[i+1] == id {
			continue
		}
		v := Version{Commit: i, Data: blobs[id]}
		if last && h.More {
			v.Commit = len(h.Commits)
		}
		all = append(all, v)
	}
	return all
}

// readBlobs fills in the content of each object.
func readBlobs(ctx context.Context, g git, blobs map[string][]byte) error {
	var questions strings.Builder
	for id := range blobs {
		questions.WriteString(id + "\n")
	}
	if questions.Len() == 0 {
		return nil
	}
	out, err := g.pipe(ctx, questions.String(), "cat-file", "--batch")
	if err != nil {
		return err
	}
	for out != "" {
		header, rest, _ := strings.Cut(out, "\n")
		fields := strings.Fields(header) // ID blob SIZE
		if len(fields) != 3 {
			return fmt.Errorf("git cat-file: %q", header)
		}
		size, err := strconv.Atoi(fields[2])
		if err != nil || size > len(rest) {
			return fmt.Errorf("git cat-file: %q", header)
		}
		blobs[fields[0]] = []byte(rest[:size])
		out = strings.TrimPrefix(rest[size:], "\n")
	}
	return nil
}

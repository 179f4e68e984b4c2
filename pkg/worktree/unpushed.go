package worktree

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/record"
)

// Unpushed returns the commits that earlier runs have made and not pushed, the oldest
// first. [Checkout.Save] and [Checkout.Finish] push them. Only a checkout that reaches
// [ToUpstream] has some.
func (c *Checkout) Unpushed() []Commit { return slices.Clone(c.unpushed) }

// Finish pushes the commits of earlier runs. Without any it does nothing.
func (c *Checkout) Finish(ctx context.Context) error {
	if len(c.unpushed) == 0 {
		return nil
	}
	return c.push(ctx, c.head)
}

// takeUnpushed looks at the commits that the upstream, which is at c.tip, lacks. Those of
// tagbump, which change nothing but what they say, can be pushed; a person's are refused.
func (c *Checkout) takeUnpushed(ctx context.Context) error {
	const fields = 5
	out, err := c.git.out(ctx, "-c", "log.showSignature=false", "log", "--reverse", "--topo-order", "-z", "--no-color",
		"--format=%H%x00%an <%ae>%x00%ct%x00%P%x00%B", c.tip+".."+c.head, "--")
	if err != nil {
		return c.dir.explain(err)
	}
	parts := strings.Split(out, "\x00")
	ahead := len(parts) / fields
	for ; len(parts) >= fields; parts = parts[fields:] {
		seconds, err := strconv.ParseInt(parts[2], 10, 64)
		if err != nil {
			return c.dir.explain(fmt.Errorf("git log: %q is not a time", parts[2]))
		}
		one := Commit{Hash: parts[0], Author: parts[1], When: time.Unix(seconds, 0).UTC(), Message: parts[4]}
		why, err := c.whyNotOurs(ctx, one, strings.Fields(parts[3]))
		if err != nil {
			return c.dir.explain(err)
		}
		if why != "" {
			subject, _, _ := strings.Cut(one.Message, "\n")
			return c.refuse("git push first, or take it back; --repo URL changes the remote without it",
				"%s is %s ahead of %s, and %.7s (%s) %s: a push would publish it", c.branch, count(ahead, "commit"), c.upstream, one.Hash, subject, why)
		}
		c.unpushed = append(c.unpushed, one)
	}
	return nil
}

// whyNotOurs says why a commit must not be pushed, "" for one that an earlier run made
// and nobody has changed since.
func (c *Checkout) whyNotOurs(ctx context.Context, one Commit, parents []string) (string, error) {
	said := record.Parse(one.Message)
	if len(said.Images) == 0 || len(parents) != 1 {
		return "is not one that tagbump made", nil
	}
	out, err := c.git.out(ctx, "diff-tree", "-r", "-z", "--raw", "--no-renames", "--no-commit-id", one.Hash)
	if err != nil {
		return "", err
	}
	parts := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	for ; len(parts) >= 2; parts = parts[2:] {
		explained, err := c.explains(ctx, said, strings.Fields(strings.TrimPrefix(parts[0], ":")), parts[1])
		if err != nil {
			return "", err
		}
		if !explained {
			return "changes more than its message says in " + parts[1], nil
		}
	}
	return "", nil
}

// explains reports whether a message tells of everything that its commit changed in a
// file: about has the modes, the objects and the kind of the change.
func (c *Checkout) explains(ctx context.Context, said record.Message, about []string, name string) (bool, error) {
	if len(about) != 5 || about[4] != "M" || about[0] != about[1] {
		return false, nil // the file is new, gone, or of another mode
	}
	blobs := map[string][]byte{about[2]: nil, about[3]: nil}
	if err := readBlobs(ctx, c.git, blobs); err != nil {
		return false, err
	}
	return said.Explains(name, blobs[about[2]], blobs[about[3]]), nil
}

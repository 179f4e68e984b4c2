package worktree

import (
	"context"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/giturl"
)

// An Upstream is where the branch of a checkout is pushed to.
type Upstream struct {
	Address string // of the remote, without a password
	Branch  string // as the remote calls it: "main"
	Prefix  string // of the folder in the repository: "" or "charts/"
}

// Upstream returns where the branch that is checked out is pushed to. It asks no remote.
func (d *Dir) Upstream(ctx context.Context) (Upstream, error) {
	c, err := d.Checkout(ctx, ToBranch)
	if err != nil {
		return Upstream{}, err
	}
	if err := c.findUpstream(ctx); err != nil {
		return Upstream{}, err
	}
	address, err := c.git.out(ctx, "remote", "get-url", "--push", c.upstream.remote)
	if err != nil {
		return Upstream{}, d.explain(err)
	}
	return Upstream{giturl.Redact(address), strings.TrimPrefix(c.upstream.ref, "refs/heads/"), c.prefix}, nil
}

// Contains reports whether a commit of the upstream has another one in its history. A
// commit that the checkout lacks is fetched; no branch and no ref changes by that.
func (d *Dir) Contains(ctx context.Context, revision, commit string) (bool, error) {
	c, err := d.Checkout(ctx, ToBranch)
	if err != nil {
		return false, err
	}
	if _, err := c.git.out(ctx, "cat-file", "-e", revision+"^{commit}"); err != nil {
		if err := c.fetch(ctx); err != nil {
			return false, err
		}
	}
	// All that the commit has and the revision has not: nothing, when it is in its history.
	missing, err := c.git.out(ctx, "rev-list", "--max-count=1", commit, "^"+revision)
	if err != nil {
		return false, c.dir.explain(err)
	}
	return missing == "", nil
}

// fetch gets the commits of the upstream, and leaves all refs as they are.
func (c *Checkout) fetch(ctx context.Context) error {
	if err := c.findUpstream(ctx); err != nil {
		return err
	}
	_, err := c.git.out(ctx, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--refmap=", c.upstream.remote, c.upstream.ref)
	if err != nil {
		return c.remoteError(err)
	}
	return nil
}

// findUpstream reads which branch of which remote the branch follows.
func (c *Checkout) findUpstream(ctx context.Context) error {
	out, err := c.git.out(ctx, "for-each-ref", "--format=%(upstream:remotename) %(upstream:remoteref)", "refs/heads/"+c.branch)
	if err != nil {
		return c.dir.explain(err)
	}
	remote, ref, _ := strings.Cut(out, " ")
	switch {
	case remote == "" || ref == "":
		return c.noUpstream(ctx)
	case remote == ".":
		return c.refuse("give --repo URL, which needs no checkout", "%s follows the local branch %s, and no remote", c.branch, strings.TrimPrefix(ref, "refs/heads/"))
	}
	c.upstream = upstream{remote, ref}
	return nil
}

// noUpstream says that the branch follows no other. The hint names the step that is
// missing: a remote, or the branch of one.
func (c *Checkout) noUpstream(ctx context.Context) error {
	out, err := c.git.out(ctx, "remote")
	if err != nil {
		return c.dir.explain(err)
	}
	remotes := strings.Fields(out)
	const other = "; or give --repo URL, which needs no checkout"
	switch {
	case len(remotes) == 0:
		return c.refuse("git remote add origin URL, and git push -u origin "+c.branch+other, "%s has no upstream to push to, and the repository has no remote", c.branch)
	case slices.Contains(remotes, "origin"):
		remotes[0] = "origin"
	}
	return c.refuse("git branch --set-upstream-to="+remotes[0]+"/"+c.branch+other, "%s has no upstream to push to", c.branch)
}

package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
)

func newResolve(env *Env) *cobra.Command {
	f := new(resolveFlags)
	cmd := &cobra.Command{
		Use:     "resolve IMAGE[:TAG]",
		GroupID: groupLook,
		Short:   "Print the tag and digest that the policy picks",
		Long: `Resolve asks the registry which tag an image should have, by the flags or by the
image's entry in the project file, and prints tag and digest, with a tab between.
With a tag it prints what the tag points at; with --revision, the tag that was built
from that commit. A registry that is not available is an error, never another tag.`,
		Example: `  tagbump resolve haoict/send2ereader
  tagbump resolve ghcr.io/acme/web --semver '~1.4' --platform linux/arm64
  TAG=$(tagbump resolve haoict/send2ereader --match '^master-' | cut -f1)
  tagbump resolve acme/web --revision $CIRCLE_SHA1 --wait-for-tag 2m
  tagbump resolve nginx:1.27 -o json`,
		Args: oneImage,
		RunE: func(cmd *cobra.Command, args []string) error { return runResolve(cmd.Context(), *env, f, args[0]) },
	}
	f.projectFlags.add(cmd, "")
	f.reachFlags.add(cmd)
	f.tagFlags.add(cmd)
	f.platformFlags.add(cmd)
	f.outputFlags.add(cmd)
	return cmd
}

// resolveFlags are the flags of resolve.
type resolveFlags struct {
	projectFlags
	reachFlags
	tagFlags
	platformFlags
	outputFlags
}

func (f *resolveFlags) check() error {
	err := firstError(f.outputFlags.check, f.reachFlags.check, f.tagFlags.check, f.platformFlags.check)
	if err != nil {
		return err
	}
	return f.fit("--wait-for-tag", f.wait)
}

func runResolve(ctx context.Context, env Env, f *resolveFlags, arg string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.within(ctx, func(ctx context.Context) error { return f.run(ctx, env, arg) })
}

func (f *resolveFlags) run(ctx context.Context, env Env, arg string) error {
	talk := talk{env.Stderr, f.verbose}
	world, err := f.world(env, talk)
	if err != nil {
		return err
	}
	project, err := openProject(world, f.config)
	if err != nil {
		return err
	}
	images := imageReader{world: world, project: project, tags: f.tagFlags, platforms: f.platforms, source: f.source}
	img, err := images.one(arg)
	if err != nil {
		return err
	}
	registry, err := world.OpenRegistry()
	if err != nil {
		return err
	}
	p := printer{env: env, talk: talk, format: f.output, explains: f.explain, stats: registry.Stats}
	resolved, err := bump.Runner{Registry: registry, Log: talk.say}.Resolve(ctx, img)
	if f.output != formatJSON || err != nil {
		p.explain(resolved)
	}
	if fault.KindOf(err) == fault.NotFound && fault.HintOf(err) == "" {
		asking, cancel := context.WithTimeout(ctx, nearTime)
		defer cancel()
		return hinted(err, nearTag(asking, registry, []bump.Image{img}))
	}
	if err != nil {
		return err
	}
	return p.printResolved(resolved)
}

// printResolved prints the tag and the digest of an image.
func (p printer) printResolved(img bump.Resolved) error {
	if p.format == formatJSON {
		return p.env.printJSON(struct {
			Schema int `json:"schema"`
			imageDoc
		}{schema, p.newImageDoc(img)})
	}
	return p.env.printAnswer(img.Tag + "\t" + img.Digest + "\n")
}

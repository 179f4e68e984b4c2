package cli

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/config"
)

func newResolve(env *Env) *cobra.Command {
	f := &flags{onStale: "fail"}
	cmd := &cobra.Command{
		Use:   "resolve IMAGE[:TAG]",
		Short: "Print the tag and digest that the policy picks",
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
		RunE: func(cmd *cobra.Command, args []string) error {
			return inFormat(f, runResolve(cmd.Context(), *env, f, args[0]))
		},
	}
	cmd.Flags().StringVar(&f.config, "config", "", "project file (default: .tagbump.yaml here)")
	f.addImage(cmd)
	f.addOutput(cmd)
	return cmd
}

func runResolve(ctx context.Context, env Env, f *flags, arg string) error {
	if err := f.check(); err != nil {
		return err
	}
	s := &session{env: env, flags: f, config: new(config.Config)}
	s.runner.Log = s.say
	if err := s.localConfig(); err != nil {
		return err
	}
	img, err := s.image(arg)
	if err != nil {
		return err
	}
	if err := s.openRegistry(); err != nil {
		return err
	}
	resolved, err := s.runner.Resolve(ctx, img)
	if err != nil {
		s.explain(resolved)
		return err
	}
	if f.output == "json" {
		encoder := json.NewEncoder(env.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(struct {
			Schema int `json:"schema"`
			imageDoc
		}{schema, s.newImageDoc(resolved)})
	}
	s.explain(resolved)
	_, err = fmt.Fprintf(env.Stdout, "%s\t%s\n", resolved.Tag, resolved.Digest)
	return err
}

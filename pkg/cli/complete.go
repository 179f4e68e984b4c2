package cli

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/image"
)

// completionTime is how long a shell that completes a word waits for a registry.
const completionTime = time.Second

// completeNames makes a command complete environments, and images with their tags
// where it takes any. Names come from the project file, tags from the registry.
// Whatever goes wrong offers nothing: a shell has no place for an error.
func completeNames(cmd *cobra.Command, env *Env) {
	environments := func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
		found, err := env.projectOf(cmd)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return like(found.EnvironmentNames(), word), cobra.ShellCompDirectiveNoFileComp
	}
	for _, flag := range []string{"env", "from", "to"} {
		isTag := flag == "to" && cmd.Flags().Lookup("from") == nil
		if cmd.Flags().Lookup(flag) != nil && !isTag {
			_ = cmd.RegisterFlagCompletionFunc(flag, environments) // the flag exists
		}
	}
	if strings.Contains(cmd.Use, "IMAGE") {
		cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
			return env.imagesLike(cmd, word), cobra.ShellCompDirectiveNoFileComp
		}
	}
}

// projectOf opens the project file of a command line that is being completed.
func (env *Env) projectOf(cmd *cobra.Command) (project, error) {
	named := ""
	if flag := cmd.Flags().Lookup("config"); flag != nil {
		named = flag.Value.String()
	}
	return openProject(env.world(talk{io.Discard, false}), named)
}

// imagesLike returns the images of the project file, or those of one image's tags that
// begin like word, which names the image and a colon.
func (env *Env) imagesLike(cmd *cobra.Command, word string) []string {
	found, err := env.projectOf(cmd)
	if err != nil {
		return nil
	}
	for _, name := range found.ImageNames() {
		if start, is := strings.CutPrefix(word, name+":"); is {
			return env.tagsLike(cmd.Context(), name, start)
		}
	}
	return like(found.ImageNames(), word)
}

// like returns the names that begin with word.
func like(names []string, word string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !strings.HasPrefix(name, word) })
}

// tagsLike returns an image with each of its tags that begin with start.
func (env *Env) tagsLike(ctx context.Context, repository, start string) []string {
	registry, err := env.world(talk{io.Discard, false}).OpenRegistry()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	tags, err := registry.TagsWithPrefix(ctx, repository, start)
	if err != nil {
		return nil
	}
	var all []string
	for _, tag := range tags {
		if strings.HasPrefix(tag, start) && image.CheckTag(tag) == nil {
			all = append(all, repository+":"+tag)
		}
	}
	return all
}

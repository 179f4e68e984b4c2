package cli

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/pkg/wire"
)

// completionTime is how long a shell that completes a word waits for a server. Tests
// give it more, as they run on busy machines.
var completionTime = time.Second

// completeNames makes a command complete environments, files that have images, the
// keys of those images, and images with their tags where it takes any. Names come from
// the project file, files and keys from the repository, tags from the registry.
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
	for flag, part := range map[string]func(plan.Target) string{
		"file": func(t plan.Target) string { return t.File },
		"path": func(t plan.Target) string { return t.Path.String() },
	} {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
			return like(env.partsOfTargets(cmd, part), word), cobra.ShellCompDirectiveNoFileComp
		})
	}
	for _, flag := range []string{"branch", "base"} {
		if cmd.Flags().Lookup(flag) == nil {
			continue
		}
		_ = cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, word string) ([]string, cobra.ShellCompDirective) {
			return env.branchesLike(cmd, word), cobra.ShellCompDirectiveNoFileComp
		})
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

// partsOfTargets returns a part of every place that has an image's tag: in the files of
// --file, if it is given, else in all that deploy.
func (env *Env) partsOfTargets(cmd *cobra.Command, part func(plan.Target) string) []string {
	found, err := env.projectOf(cmd)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	globs, _ := cmd.Flags().GetStringArray("file")
	images, err := env.imagesIn(ctx, firstOf(flagText(cmd, "repo"), found.repository()), found.branchOf(flagText(cmd, "branch"), ""), globs)
	if err != nil {
		return nil
	}
	var parts []string
	for _, image := range images {
		parts = append(parts, part(image.Target))
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}

// branchesLike returns the branches of a repository that has an address.
func (env *Env) branchesLike(cmd *cobra.Command, word string) []string {
	found, err := env.projectOf(cmd)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
	defer cancel()
	opened, err := env.repositoryAt(firstOf(flagText(cmd, "repo"), found.repository()))
	if err != nil {
		return nil
	}
	defer opened.Close()
	listed, is := opened.Repo.(lister)
	if !is {
		return nil
	}
	branches, err := listed.Branches(ctx, word)
	if err != nil {
		return nil
	}
	return branches
}

func flagText(cmd *cobra.Command, flag string) string {
	if found := cmd.Flags().Lookup(flag); found != nil {
		return found.Value.String()
	}
	return ""
}

// imagesIn returns the images in the files of a repository's branch.
func (env *Env) imagesIn(ctx context.Context, repository, branch string, globs []string) ([]plan.Found, error) {
	opened, err := env.repositoryAt(repository)
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	selection, err := files.Select(globs...)
	if err != nil {
		return nil, err
	}
	all, err := selection.WithContext(plan.Everything...)
	if err != nil {
		return nil, err
	}
	tree, err := opened.Repo.Read(ctx, bump.Revision{Branch: branch}, all)
	if err != nil {
		return nil, err
	}
	index, err := plan.Scan(tree, plan.ScanOptions{Whole: true, Files: all})
	if err != nil {
		return nil, err
	}
	return index.Images(plan.FindOptions{Files: selection}), nil
}

// repositoryAt opens a repository, and says nothing.
func (env *Env) repositoryAt(repository string) (*wire.Repository, error) {
	world := env.world(talk{io.Discard, false})
	place, err := world.Locate(repository)
	if err != nil {
		return nil, err
	}
	return world.OpenRepository(place, wire.Options{})
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

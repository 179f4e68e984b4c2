package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/draft"
	"github.com/tagbump/tagbump/pkg/environs"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/status"
)

func newInit(env *Env) *cobra.Command {
	f := new(initFlags)
	cmd := &cobra.Command{
		Use:     "init [IMAGE...]",
		GroupID: groupSetUp,
		Short:   "Write " + config.FileName + " from what a repository holds",
		Long: `Init looks through a repository, here or at the URL of --repo, without a clone. It
lists the images that its files name, recognises environments by their paths or
branches, and asks the registry which kind of tags each image has. Then it writes a
commented ` + config.FileName + `: how each image's tag is chosen, with the tag that this
picks now, and which files each environment has.

Without an IMAGE, the file lists the images of the owner who has most of them; those of
others become comments. Where the registry does not answer, the file says so.

On a terminal init asks before it writes; elsewhere it wants --yes.`,
		Example: `  tagbump init
  tagbump init --yes
  tagbump init --repo https://github.com/acme/helm-charts.git --dry-run
  tagbump init haoict/send2ereader --yes`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runInit(cmd.Context(), *env, f, args) },
	}
	f.add(cmd)
	return cmd
}

// initFlags are the flags of init.
type initFlags struct {
	repoFlags
	yes, force, dryRun, offline bool
	verbose                     bool
}

func (f *initFlags) add(cmd *cobra.Command) {
	f.repoFlags.add(cmd)
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, "write the file without asking")
	cmd.Flags().BoolVar(&f.force, "force", false, "overwrite a project file")
	cmd.Flags().BoolVarP(&f.dryRun, "dry-run", "n", false, "print the file, write nothing")
	cmd.Flags().BoolVar(&f.offline, "offline", false, "do not ask the registry which tags there are")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log each step and request to stderr")
	inGroup(cmd, groupPublish, "dry-run")
	inGroup(cmd, groupSafety, "yes", "force")
	inGroup(cmd, groupTag, "offline")
	inGroup(cmd, groupOutput, "verbose")
}

func runInit(ctx context.Context, env Env, f *initFlags, args []string) error {
	if err := f.reachFlags.check(); err != nil {
		return err
	}
	if err := checkUntagged(args, "the files", "tagbump update %s"); err != nil {
		return err
	}
	return f.within(ctx, func(ctx context.Context) error { return f.run(ctx, env, args) })
}

func (f *initFlags) run(ctx context.Context, env Env, args []string) error {
	name, err := f.target(env)
	if err != nil {
		return err
	}
	r, err := openBare(env, &f.repoFlags, talk{env.Stderr, f.verbose})
	if err != nil {
		return err
	}
	defer r.close()
	drafted, err := f.draft(ctx, r, args)
	if err != nil {
		return err
	}
	text := drafted.Text()
	if _, err := config.Parse(name, []byte(text)); err != nil {
		return fmt.Errorf("the drafted project file is not valid, which is a mistake of tagbump: %w", err)
	}
	if f.dryRun {
		return env.printAnswer(text)
	}
	r.talk.say("found %s and %s", plural(len(drafted.Images), "image"), plural(len(drafted.Environments), "environment"))
	if err := f.confirm(env, name); err != nil {
		return err
	}
	if err := writeNew(name, text, f.force); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "wrote %s\n", filepath.Base(name))
	return err
}

// target is the file to write: in the folder that is looked through, else here. A
// file that is there already is refused before anything is asked.
func (f *initFlags) target(env Env) (string, error) {
	w := env.world(talk{env.Stderr, f.verbose})
	if f.config != "" {
		name := w.Path(f.config)
		if info, err := os.Stat(filepath.Dir(name)); !f.dryRun && (err != nil || !info.IsDir()) {
			return "", fault.Errorf(fault.Usage, "--config: %s: there is no folder %s", f.config, filepath.Dir(f.config))
		}
		return name, f.checkFree(name)
	}
	dir := w.Path(".")
	if f.repo != "" {
		place, err := w.Locate(f.repo)
		if err != nil {
			return "", err
		}
		if place.Local {
			dir = w.Path(f.repo)
		}
	}
	for _, name := range config.FileNames() {
		if err := f.checkFree(filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return filepath.Join(dir, config.FileName), nil
}

func (f *initFlags) checkFree(name string) error {
	if _, err := os.Lstat(name); f.force || f.dryRun || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fault.Errorf(fault.Usage, "%s: there is a project file already", name).
		WithHint("tagbump init --dry-run prints a new one; --force overwrites it")
}

// confirm asks a person on a terminal; elsewhere it wants --yes.
func (f *initFlags) confirm(env Env, name string) error {
	if f.yes {
		return nil
	}
	if !isTerminal(env.Stdin) {
		return fault.New(fault.Usage, "nobody can answer here").WithHint("give --yes to write the file, or --dry-run to print it")
	}
	fmt.Fprintf(env.Stderr, "write %s? [Y/n] ", name)
	if !agrees(env.Stdin) {
		return fault.New(fault.Failed, "nothing is written")
	}
	return nil
}

// agrees reads an answer. An empty line is a yes, the end of the input a no.
func agrees(r io.Reader) bool {
	answer, err := bufio.NewReader(r).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return err == nil && (answer == "" || answer == "y" || answer == "yes")
}

// isTerminal reports whether a person can type into r.
func isTerminal(r io.Reader) bool {
	file, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// writeNew writes a file that is not there, unless force is asked for.
func writeNew(name, text string, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(name, flags, 0o644)
	if err != nil {
		return err
	}
	_, err = io.WriteString(file, text)
	return errors.Join(err, file.Close())
}

// draft finds out what the file is to say.
func (f *initFlags) draft(ctx context.Context, r *reading, args []string) (draft.Project, error) {
	q := status.Question{Branch: f.branch, Suggest: true, Times: true, Offline: f.offline}
	report, err := status.Make(ctx, r.runner, q)
	if err != nil {
		return draft.Project{}, err
	}
	images := draft.Joined(draftImages(report))
	own := draft.Own(images)
	if len(args) > 0 {
		if own, err = named(images, args); err != nil {
			return draft.Project{}, err
		}
	}
	if len(images) == 0 {
		return draft.Project{}, fault.Errorf(fault.NotFound, "%s: no file that deploys names an image with a tag", r.place.Where).
			WithHint("compose files, CI files and documents do not count; --repo names another folder or URL")
	}
	if len(own) == 0 {
		return draft.Project{}, fault.Errorf(fault.NotFound, "%s: no image of one's own is found among %s", r.place.Where, plural(len(images), "image")).
			WithHint("tagbump init IMAGE... names those to list")
	}
	isOwn := func(img draft.Image) bool {
		return slices.ContainsFunc(own, func(other draft.Image) bool { return other.Repository == img.Repository })
	}
	project := draft.Project{Images: own, Others: slices.DeleteFunc(images, isOwn), Offline: f.offline}
	if !r.place.Local {
		project.Repository = f.repo
	}
	project.Environments = draft.Environments(environs.Group(filesWith(own)))
	if len(project.Environments) == 0 && !r.place.Local {
		project.Environments, err = branches(ctx, r)
	}
	return project, err
}

// draftImages turns the rows of a report into images of a draft.
func draftImages(report status.Report) []draft.Image {
	var images []draft.Image
	for _, row := range report.Images {
		img := draft.Image{Repository: row.Repository, Rule: row.Suggestion.Rule, Why: row.Suggestion.Why}
		if row.Newest != nil {
			img.Picks = row.Newest.Tag
		} else if len(row.Errs) > 0 {
			img.Failure = row.Errs[0].Error()
		}
		for i, cell := range row.Cells {
			environment := report.Environments[i]
			if environment == status.Shared || environment == status.Only {
				environment = ""
			}
			for _, one := range cell.Deployed {
				for _, target := range one.Places {
					img.Places = append(img.Places, draft.Place{Environment: environment, File: target.File, Line: target.Line, Tag: one.Ref()})
				}
			}
		}
		images = append(images, img)
	}
	return images
}

// named returns the images that a person wants in the file.
func named(images []draft.Image, args []string) ([]draft.Image, error) {
	var all []draft.Image
	for _, arg := range args {
		i := slices.IndexFunc(images, func(img draft.Image) bool { return img.Names(arg) })
		if i < 0 {
			return nil, fault.Errorf(fault.NotFound, "%s: no file names this image", arg)
		}
		all = append(all, images[i])
	}
	return all, nil
}

func filesWith(images []draft.Image) []string {
	var names []string
	for _, img := range images {
		names = append(names, img.Files()...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// branchNames are the names of branches that are environments.
var branchNames = []string{"dev", "develop", "development", "test", "stage", "staging", "prod", "production"}

// branches returns the environments that have a branch each. A single one does not count.
func branches(ctx context.Context, r *reading) ([]draft.Environment, error) {
	var found []draft.Environment
	for _, name := range branchNames {
		tip, err := r.repo.Repo.Tip(ctx, name)
		if err != nil {
			return nil, err
		}
		if tip != "" {
			found = append(found, draft.Environment{Name: name, Branch: name, Files: []string{"**"}})
		}
	}
	if len(found) < 2 {
		return nil, nil
	}
	return draft.WithSources(found), nil
}

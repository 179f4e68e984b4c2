package cli

import (
	"context"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/status"
	"github.com/tagbump/tagbump/pkg/statuspage"
)

func newStatus(env *Env) *cobra.Command {
	f := new(statusFlags)
	cmd := &cobra.Command{
		Use:     "status [IMAGE...]",
		GroupID: groupLook,
		Short:   "Show every environment's tag beside the newest one in the registry",
		Long: `Status reads the repository once and prints which tag each image has in each
environment, how old that image is, how many newer tags its policy permits, and
which platforms are missing. From the latest commits it tells since when a tag is
set, by whom, and whether that was a rollback. At a forge whose token is known, open
pull requests of tagbump are shown beside the tag that they would change. Where the
project file has environments.ENV.argocd and ARGOCD_SERVER is set, the health of the
applications is shown, too.

Images and environments are those of the project file. Without one they are found in
the files: environments by their paths (values-ENV.yaml, overlays/ENV, clusters/ENV),
and policies by the tags that are deployed. Nothing is changed.

When the registry does not answer for an image, or the history, the forge or Argo CD
does not answer at all, the rest is printed, and the exit code is that of the failure:
6 or 7.`,
		Example: `  tagbump status
  tagbump status --repo https://github.com/acme/helm-charts.git
  tagbump status --env production -o json
  tagbump status -o markdown >> "$GITHUB_STEP_SUMMARY"
  tagbump status -o html > status.html`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runStatus(cmd.Context(), *env, f, args) },
	}
	f.add(cmd)
	return cmd
}

// formatHTML is a further format of status.
const formatHTML = "html"

// statusFlags are the flags of status.
type statusFlags struct {
	repoFlags
	platformFlags
	envs    []string
	output  string
	verbose bool
}

func (f *statusFlags) add(cmd *cobra.Command) {
	f.repoFlags.add(cmd)
	f.platformFlags.add(cmd)
	cmd.Flags().StringArrayVar(&f.envs, "env", nil, "`ENV` of the project file (repeatable; default: all of them)")
	cmd.Flags().StringVarP(&f.output, "output", "o", formatText, "`text|json|markdown|html`: what stdout gets")
	cmd.Flags().BoolVarP(&f.verbose, "verbose", "v", false, "log each step and request to stderr")
	completeWith(cmd, "output", formatText, formatJSON, formatMarkdown, formatHTML)
	inGroup(cmd, groupWhat, "env")
	inGroup(cmd, groupOutput, "output", "verbose")
}

func (f *statusFlags) check() error {
	if err := oneOf("output", f.output, formatText, formatJSON, formatMarkdown, formatHTML); err != nil {
		return err
	}
	return firstError(f.reachFlags.check, f.platformFlags.check)
}

func runStatus(ctx context.Context, env Env, f *statusFlags, args []string) error {
	if err := f.check(); err != nil {
		return err
	}
	return f.within(ctx, func(ctx context.Context) error { return f.run(ctx, env, args) })
}

func (f *statusFlags) run(ctx context.Context, env Env, args []string) error {
	r, err := openReading(ctx, env, &f.repoFlags, talk{env.Stderr, f.verbose})
	if err != nil {
		return err
	}
	defer r.close()
	question, err := f.question(r, args, env.Now())
	if err != nil {
		return err
	}
	r.openForge()
	report, err := status.Make(ctx, r.runner, question)
	if err != nil {
		return err
	}
	if err := f.print(env, report); err != nil {
		return err
	}
	return report.Err()
}

// question turns flags and arguments into a question.
func (f *statusFlags) question(r *reading, args []string, now time.Time) (status.Question, error) {
	q := status.Question{Where: r.place.Where, At: now, Suggest: true, Commits: defaultCommits}
	var err error
	if q.Areas, err = r.areas(f.envs); err != nil {
		return q, err
	}
	q.Branch, q.Health = r.project.branchOf(f.branch, ""), r.health(q.Areas)
	if err := checkUntagged(args, "the files", "tagbump update %s"); err != nil {
		return q, err
	}
	images := imageReader{world: r.world, project: r.project, platforms: f.platforms}
	if len(args) == 0 {
		args = r.project.ImageNames()
	}
	for _, arg := range args {
		img, _, err := images.configured(arg)
		if err != nil {
			return q, err
		}
		q.Images = append(q.Images, img)
	}
	return q, nil
}

// print prints the report in the wanted format.
func (f *statusFlags) print(env Env, report status.Report) error {
	var err error
	switch f.output {
	case formatJSON:
		return env.printJSON(newStatusDoc(report))
	case formatMarkdown:
		_, err = io.WriteString(env.Stdout, status.Markdown(report))
	case formatHTML:
		_, err = io.WriteString(env.plain, env.secrets.Known(statuspage.Write(report)))
	default:
		_, err = io.WriteString(env.Stdout, status.Table(report, env.tableWidth()))
	}
	return err
}

// tableWidth returns how wide a table may be: as the terminal, however wide.
func (env Env) tableWidth() int {
	if env.Terminal.Out && env.Terminal.Width > 0 {
		return env.Terminal.Width
	}
	return defaultWidth
}

// statusDoc is the JSON that status prints.
type statusDoc struct {
	Schema       int              `json:"schema"`
	Repository   string           `json:"repository"`
	At           time.Time        `json:"at"`
	Environments []string         `json:"environments"`
	Images       []statusImageDoc `json:"images"`
	Errors       []string         `json:"errors,omitempty"` // of the history, the forge and Argo CD
}

type statusImageDoc struct {
	Image        string          `json:"image"`
	Policy       string          `json:"policy,omitempty"`
	Suggested    bool            `json:"suggested,omitempty"` // the policy is not written anywhere
	Newest       *buildDoc       `json:"newest,omitempty"`
	Environments []statusCellDoc `json:"environments"` // those that have the image
	Errors       []string        `json:"errors,omitempty"`
}

type buildDoc struct {
	Tag              string     `json:"tag,omitempty"`
	Digest           string     `json:"digest,omitempty"`
	Created          *time.Time `json:"created,omitempty"`
	MissingPlatforms []string   `json:"missingPlatforms,omitempty"`
}

type statusCellDoc struct {
	Environment string `json:"environment"`
	buildDoc
	Places  []placeDoc `json:"places"`
	State   string     `json:"state"` // current, behind, unknown, gone or other
	Behind  int        `json:"behind"`
	Seconds int        `json:"behindSeconds,omitempty"`

	Set            *statusSetDoc       `json:"set,omitempty"`
	RolledBackFrom string              `json:"rolledBackFrom,omitempty"`
	PullRequests   []statusPullDoc     `json:"pullRequests,omitempty"`
	Applications   []statusApplication `json:"applications,omitempty"`
}

// statusSetDoc is the commit that set a tag.
type statusSetDoc struct {
	When   time.Time `json:"when"`
	Who    string    `json:"who"`
	Kind   string    `json:"kind"`
	Commit string    `json:"commit"`
}

// statusPullDoc is an open pull request that would set another tag.
type statusPullDoc struct {
	Number int    `json:"number"`
	URL    string `json:"url"`
	Tag    string `json:"tag"`
}

// statusApplication is an application of Argo CD.
type statusApplication struct {
	Name    string `json:"name"`
	Healthy bool   `json:"healthy"`
	Summary string `json:"summary"`
}

func newStatusDoc(report status.Report) statusDoc {
	doc := statusDoc{schema, report.Where, report.At.UTC(), report.Environments, []statusImageDoc{}, nil}
	for _, img := range report.Images {
		one := statusImageDoc{Image: img.Repository, Policy: img.Policy, Suggested: img.IsSuggested(), Environments: []statusCellDoc{}}
		if img.Newest != nil {
			newest := newBuildDoc(*img.Newest)
			one.Newest = &newest
		}
		for i, cell := range img.Cells {
			for _, deployed := range cell.Deployed {
				one.Environments = append(one.Environments, newStatusCellDoc(report.Environments[i], cell, deployed))
			}
		}
		for _, err := range img.Errs {
			one.Errors = append(one.Errors, err.Error())
		}
		doc.Images = append(doc.Images, one)
	}
	for _, err := range report.Errs {
		doc.Errors = append(doc.Errors, err.Error())
	}
	return doc
}

func newBuildDoc(b status.Build) buildDoc {
	doc := buildDoc{Tag: b.Tag, Digest: b.Digest, MissingPlatforms: b.Missing}
	if !b.Created.IsZero() {
		doc.Created = &b.Created
	}
	return doc
}

func newStatusCellDoc(environment string, cell status.Cell, d status.Deployed) statusCellDoc {
	doc := statusCellDoc{
		Environment: environment, buildDoc: newBuildDoc(d.Build), State: d.State(),
		Behind: d.Behind.Tags, Seconds: int(d.Behind.By.Seconds()), RolledBackFrom: d.RolledBackFrom(),
	}
	if e := d.Set; e != nil {
		doc.Set = &statusSetDoc{e.When.UTC(), history.NameOf(e.Who), string(e.Kind), e.Commit}
	}
	for _, one := range cell.Pending {
		doc.PullRequests = append(doc.PullRequests, statusPullDoc{one.PullRequest.Number, one.PullRequest.URL, one.Ref.Tag})
	}
	for _, app := range cell.Health {
		doc.Applications = append(doc.Applications, statusApplication{app.Name, app.Healthy, app.Summary})
	}
	for _, target := range d.Places {
		doc.Places = append(doc.Places, placeDoc{target.File, target.Line, target.Path.String()})
	}
	return doc
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge/access"
	"github.com/tagbump/tagbump/pkg/safetext"
)

func newDoctor(env *Env) *cobra.Command {
	f := new(doctorFlags)
	cmd := &cobra.Command{
		Use:     "doctor [IMAGE...]",
		GroupID: groupSetUp,
		Short:   "Check access to registry, repository, forge and Argo CD",
		Long: `Doctor checks each access that a run needs, and changes nothing: whether the registry
of each image lists its tags, whether the repository can be read, whether a push would
be let in (without a push), and what the forge says of the token's rights and of the
branch's protection. Over ssh it says which key the server takes, and who vouches for
the server's. Where the project file has environments.ENV.argocd, Argo CD is asked for
their applications. Each check is a line, with the place where its credential was found,
never its value.

Without an IMAGE, the images are those of the project file. The exit code is that of the
worst failure.`,
		Example: `  tagbump doctor
  tagbump doctor --repo https://github.com/acme/helm-charts.git
  tagbump doctor -o json`,
		Args: imageArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return runDoctor(cmd.Context(), *env, f, args) },
	}
	f.repoFlags.add(cmd)
	f.outputFlags.add(cmd)
	return cmd
}

// doctorFlags are the flags of doctor.
type doctorFlags struct {
	repoFlags
	outputFlags
}

func runDoctor(ctx context.Context, env Env, f *doctorFlags, args []string) error {
	if err := firstError(f.outputFlags.check, f.reachFlags.check); err != nil {
		return err
	}
	return f.within(ctx, func(ctx context.Context) error { return f.run(ctx, env, args) })
}

// A finding is the result of one check.
type finding struct {
	what       string // "git read: https://…"
	credential string // where it was found; "" for none
	note       string // the result, when all is well
	skipped    string // why nothing was checked
	err        error
}

// The states of a finding, as JSON names them.
const (
	findingOK      = "ok"
	findingFailed  = "failed"
	findingSkipped = "skipped"
)

func (f finding) state() string {
	switch {
	case f.err != nil:
		return findingFailed
	case f.skipped != "":
		return findingSkipped
	}
	return findingOK
}

// findingDoc is one check in JSON.
type findingDoc struct {
	Check      string `json:"check"`
	State      string `json:"state"` // ok, failed or skipped
	Credential string `json:"credential,omitempty"`
	Note       string `json:"note,omitempty"`
	Error      string `json:"error,omitempty"`
	Hint       string `json:"hint,omitempty"`
	Code       int    `json:"code,omitempty"` // the exit code of the failure
}

func (f *doctorFlags) run(ctx context.Context, env Env, args []string) error {
	t := talk{env.Stderr, f.verbose}
	world, err := f.world(env, t)
	if err != nil {
		return err
	}
	found, err := openProject(world, f.config)
	if err != nil {
		return err
	}
	r, err := openAt(world, found, &f.repoFlags, t)
	if err != nil {
		return err
	}
	defer r.close()
	findings := r.checkProject(ctx)
	if len(args) == 0 {
		args = r.project.ImageNames()
	}
	findings = append(findings, r.checkRepository(ctx)...)
	for _, arg := range args {
		findings = append(findings, r.checkRegistry(ctx, arg))
	}
	if len(args) == 0 {
		findings = append(findings, finding{what: "registry", skipped: "no image is named, and " + r.project.lacks("images")})
	}
	findings = append(findings, r.checkArgoCD(ctx)...)
	if err := f.print(env, findings); err != nil {
		return err
	}
	return worst(findings)
}

// checkProject looks for the project file, also in the repository's root.
func (r *reading) checkProject(ctx context.Context) []finding {
	if r.project.file == "" && (!r.place.Local || r.flags.repo != "") {
		p, err := r.project.inRoot(ctx, r.repo.Repo, r.flags.branch, r.place.Where, nil)
		switch {
		case err == nil:
			r.project = p
		case fault.KindOf(err) == fault.Usage:
			return []finding{{what: "project file", err: err}}
		}
	}
	if r.project.file == "" {
		return []finding{{what: "project file", skipped: r.project.lacks("")}}
	}
	note := plural(len(r.project.Images), "image") + ", " + plural(len(r.project.Environments), "environment")
	return []finding{{what: "project file: " + r.project.file, note: note}}
}

// checkRepository checks reading, pushing, and what the forge says.
func (r *reading) checkRepository(ctx context.Context) []finding {
	if r.place.Local {
		_, err := os.Stat(r.world.Path(r.place.Where))
		return []finding{{what: "folder: " + r.place.Where, note: "it can be read", err: err}}
	}
	credential := ""
	if source, has := r.world.GitCredential(r.place); has && r.place.IsHTTP() {
		credential = source
	}
	keys := r.checkSSH(ctx)
	if len(keys) > 0 {
		credential = keys[len(keys)-1].credential
	}
	read := finding{what: "git read: " + r.place.Where, credential: credential}
	branch, tip, err := r.tip(ctx)
	if err != nil {
		read.err = err
		return append(keys, read, finding{what: "git push", skipped: "the repository cannot be read"})
	}
	read.note = fmt.Sprintf("%s is at %.10s", branch, tip)
	push := finding{what: "git push", credential: credential, note: "the server would let a push in", err: r.repo.MayPush(ctx)}
	if source, has := r.world.GitCredential(r.place); push.err != nil && !has && r.place.IsHTTP() {
		push.err = fmt.Errorf("%w (%s)", push.err, source)
	}
	return append(keys, read, push, r.checkForge(ctx, branch))
}

// tip returns the branch that is changed, and its tip.
func (r *reading) tip(ctx context.Context) (branch, tip string, err error) {
	tree, err := r.repo.Repo.Read(ctx, bump.Revision{Branch: r.project.branchOf(r.flags.branch, "")}, files.MustSelect("**/no-such-file"))
	if err != nil {
		return "", "", err
	}
	return tree.Branch(), tree.Tip(), nil
}

// checkForge asks the forge for the rights of its token and the branch's protection.
func (r *reading) checkForge(ctx context.Context, branch string) finding {
	found := finding{what: "forge: rights on " + branch}
	rights, asked, err := r.world.ForgeRights(ctx, r.place, branch)
	switch {
	case !asked && err == nil:
		found.skipped = "no forge with a token is known for this repository; pull requests need one"
		return found
	case err != nil:
		found.err = err
		return found
	}
	found.credential, _ = r.world.GitCredential(r.place)
	if err := rights.Err(branch); err != nil {
		found.err = fault.Errorf(fault.NoAccess, "%w", err).WithHint("--pr proposes the change instead, if the token may open pull requests")
		return found
	}
	found.note = "the token may push"
	switch {
	case rights.Push == access.Unknown:
		found.note = "the forge does not say whether the token may push"
	case rights.Protected == access.Yes && rights.PushTo == access.Unknown:
		found.note += "; the branch is protected, and may refuse it"
	case rights.Protected == access.Yes:
		found.note += "; the branch is protected, and lets it in"
	}
	return found
}

// checkRegistry lists the tags of an image.
func (r *reading) checkRegistry(ctx context.Context, repository string) finding {
	found := finding{what: "registry: " + repository}
	if source, err := r.registry.LoginSource(ctx, repository); err == nil {
		found.credential = source
	}
	tags, err := r.runner.Registry.TagsWithPrefix(ctx, repository, "")
	found.note, found.err = plural(len(tags), "tag"), err
	return found
}

// print prints a line for each finding, and its hint below.
func (f *doctorFlags) print(env Env, findings []finding) error {
	if f.output == formatJSON {
		doc := struct {
			Schema int          `json:"schema"`
			Checks []findingDoc `json:"checks"`
		}{schema, []findingDoc{}}
		for _, one := range findings {
			doc.Checks = append(doc.Checks, one.doc(env))
		}
		return env.printJSON(doc)
	}
	var b strings.Builder
	for _, one := range findings {
		line := one.what
		switch one.state() {
		case findingFailed:
			_, subject, _ := strings.Cut(one.what, ": ") // many errors begin with it, too
			line += ": " + strings.TrimPrefix(one.err.Error(), subject+": ")
		case findingSkipped:
			line += ": " + one.skipped
		default:
			line += ": " + one.note
		}
		if one.credential != "" {
			line += " (credential: " + one.credential + ")"
		}
		fmt.Fprintf(&b, "%-7s  %s\n", one.state(), safetext.Line(line))
		if hint := fault.HintOf(one.err); hint != "" {
			fmt.Fprintf(&b, "         hint: %s\n", hint)
		}
	}
	_, err := io.WriteString(env.Stdout, b.String())
	return err
}

func (f finding) doc(env Env) findingDoc {
	doc := findingDoc{Check: f.what, State: f.state(), Credential: f.credential, Note: f.note}
	switch doc.State {
	case findingFailed:
		doc.Note, doc.Error, doc.Code = "", env.secrets.Text(f.err.Error()), exitCode(f.err)
		doc.Hint = env.secrets.Text(fault.HintOf(f.err))
	case findingSkipped:
		doc.Note = f.skipped
	}
	return doc
}

// worst returns an error of the kind of the failure with the highest exit code; nil
// when no check failed. The failures themselves are printed already.
func worst(findings []finding) error {
	failed, kind := 0, fault.Failed
	for _, one := range findings {
		if one.err == nil {
			continue
		}
		if failed++; failed == 1 || exitCodes[kindOf(one.err)] > exitCodes[kind] {
			kind = kindOf(one.err)
		}
	}
	if failed == 0 {
		return nil
	}
	return fault.As(kind, errors.New(plural(failed, "check")+" failed"))
}

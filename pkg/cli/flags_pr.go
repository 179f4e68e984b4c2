package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/placeholder"
)

// proposalFlags say whether a change is proposed, and how its pull request looks.
type proposalFlags struct {
	pr                           proposing
	title, body                  string
	labels, reviewers, assignees []string
	draft, autoMerge             answer
	base, head                   string
	forge                        string
	preview                      string // "" or config.PreviewArgoCD
}

func (f *proposalFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.Var(&f.pr, "pr", "open or refresh a pull request instead of pushing; `auto`: only where the branch refuses the push")
	flags.Lookup("pr").NoOptDefVal = string(proposeAlways)
	flags.StringVar(&f.title, "title", "", "title of the pull request, a `TEXT` with the placeholders of --message (default: the environment and what changes)")
	flags.StringVar(&f.body, "body", "", "body of the pull request in Markdown, a `TEXT` with the placeholders of --message; {{.Changes}} is the default body")
	flags.StringArrayVar(&f.labels, "label", nil, "`LABEL` to add to the pull request (repeatable)")
	flags.StringArrayVar(&f.reviewers, "reviewer", nil, "`USER` who is asked for a review, at GitHub also ORG/TEAM (repeatable)")
	flags.StringArrayVar(&f.assignees, "assignee", nil, "`USER` whose task the pull request is (repeatable)")
	flags.Var(&f.draft, "draft", "open the pull request as a draft")
	flags.Var(&f.autoMerge, "auto-merge", "ask the forge to merge the pull request as soon as its rules allow")
	for _, name := range []string{"draft", "auto-merge"} {
		flags.Lookup(name).NoOptDefVal = "true"
	}
	flags.StringVar(&f.base, "base", "", "`BRANCH` that the pull request changes (default: the one of --branch)")
	flags.StringVar(&f.head, "pr-branch", "", "`BRANCH` that holds the change (default: tagbump/ENVIRONMENT/IMAGES)")
	flags.StringVar(&f.forge, "forge", "", "who hosts the repository, where its host does not tell: `github|gitlab|gitea|bitbucket`")
	flags.StringVar(&f.preview, "preview", "", "show in the pull request what it changes in the cluster, as `argocd` renders it; Secrets are left out")
	completeWith(cmd, "forge", config.ForgeTypes()...)
	completeWith(cmd, "preview", config.PreviewArgoCD)
	inGroup(cmd, groupPublish, "pr", "title", "body", "label", "reviewer", "assignee", "draft", "auto-merge", "base", "pr-branch", "forge", "preview")
}

func (f *proposalFlags) check() error {
	if f.preview != "" {
		if err := oneOf("preview", f.preview, config.PreviewArgoCD); err != nil {
			return err
		}
	}
	if f.forge == "" {
		return nil
	}
	return oneOf("forge", f.forge, config.ForgeTypes()...)
}

// given returns the first flag that only a pull request can obey, "" when none is given.
func (f *proposalFlags) given() string {
	for _, flag := range []struct {
		name  string
		given bool
	}{
		{"--title", f.title != ""},
		{"--body", f.body != ""},
		{"--label", len(f.labels) > 0},
		{"--reviewer", len(f.reviewers) > 0},
		{"--assignee", len(f.assignees) > 0},
		{"--draft", f.draft == answerYes},
		{"--auto-merge", f.autoMerge == answerYes},
		{"--base", f.base != ""},
		{"--pr-branch", f.head != ""},
		{"--preview", f.preview != ""},
	} {
		if flag.given {
			return flag.name
		}
	}
	return ""
}

// proposal returns how a pull request looks: as the flags say, else as the project file
// does.
func (f *proposalFlags) proposal(configured config.Proposal) (bump.Proposal, error) {
	p := bump.Proposal{
		Head:      firstOf(f.head, configured.Branch),
		Labels:    firstList(f.labels, configured.Labels),
		Reviewers: firstList(f.reviewers, configured.Reviewers),
		Assignees: firstList(f.assignees, configured.Assignees),
		Draft:     f.draft.or(configured.Draft),
		AutoMerge: f.autoMerge.or(configured.AutoMerge),
	}
	var err error
	if p.Title, err = placeholder.Parse(firstOf(f.title, configured.Title), bump.MessagePlaceholders...); err != nil {
		return p, fmt.Errorf("--title: %w", err)
	}
	if p.Body, err = placeholder.Parse(firstOf(f.body, configured.Body), bump.MessagePlaceholders...); err != nil {
		return p, fmt.Errorf("--body: %w", err)
	}
	return p, nil
}

func firstList(lists ...[]string) []string {
	for _, list := range lists {
		if len(list) > 0 {
			return list
		}
	}
	return nil
}

// proposing is the value of --pr: "" when it is not given.
type proposing string

const (
	proposeNever  proposing = "false"
	proposeAlways proposing = "true"
	proposeAuto   proposing = "auto"
)

// Set makes proposing a pflag.Value.
func (p *proposing) Set(text string) error {
	if text == string(proposeAuto) {
		*p = proposeAuto
		return nil
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("%q is not true, false or auto", text)
	}
	*p = proposing(strconv.FormatBool(yes))
	return nil
}

func (p *proposing) String() string { return string(*p) }

// Type is the word for the value in the help.
func (*proposing) Type() string { return "auto" }

// An answer is the value of a flag that the project file can also give: "" when it is
// not given.
type answer string

const (
	answerYes answer = "true"
)

// Set makes answer a pflag.Value.
func (a *answer) Set(text string) error {
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return fmt.Errorf("%q is not true or false", text)
	}
	*a = answer(strconv.FormatBool(yes))
	return nil
}

func (a *answer) String() string { return string(*a) }

// Type is that of a switch, which takes no value in the help.
func (*answer) Type() string { return "bool" }

// IsBoolFlag says that the flag may be given without a value.
func (*answer) IsBoolFlag() bool { return true }

// or returns the answer, else the project file's, else no.
func (a answer) or(configured *bool) bool {
	if a == "" && configured != nil {
		return *configured
	}
	return a == answerYes
}

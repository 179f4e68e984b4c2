package cli

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/wire"
)

// namedForge is the forge that --forge names, else the project file's.
func (j *job) namedForge() wire.NamedForge {
	configured := j.project.Forge
	if j.flags.forge == "" {
		return wire.NamedForge{Type: configured.Type, API: configured.API}
	}
	named := wire.NamedForge{Type: j.flags.forge, ByPerson: true}
	if configured.Type == j.flags.forge {
		named.API = configured.API
	}
	return named
}

// modeOf says how a change reaches its branch: as --pr says, else as the environment does.
func (j *job) modeOf(s scope) config.Publish {
	switch {
	case j.place.Local:
		return config.Push
	case j.flags.pr == proposeAlways:
		return config.PullRequest
	case j.flags.pr == proposeAuto:
		return config.Auto
	case j.flags.pr == proposeNever, s.Publish == "":
		return config.Push
	}
	return s.Publish
}

// proposeAs says in the request how a pull request looks, and which branch it changes.
func (j *job) proposeAs(s scope, req *bump.Request) error {
	j.mode = j.modeOf(s)
	if flag := j.flags.proposalFlags.given(); flag != "" && j.mode == config.Push {
		return fault.Errorf(fault.Usage, "%s is for a pull request, and this run pushes", flag).WithHint("give --pr, or --pr=auto")
	}
	configured := s.PullRequest
	if s.name == "" {
		configured = j.project.PullRequest
	}
	var err error
	if req.Proposal, err = j.flags.proposal(configured); err != nil {
		return err
	}
	req.Proposal.Repository = j.place.Where
	if j.flags.branch == "" {
		j.base = firstOf(j.flags.base, configured.Base)
	}
	if j.mode != config.Push {
		j.preview = firstOf(j.flags.preview, configured.Preview)
	}
	if j.mode == config.PullRequest {
		req.Branch = firstOf(j.base, req.Branch)
	}
	return nil
}

// checkForge makes a dry run end as the real one would: with a forge that is not known,
// without a token, or with something that the forge does not have.
func (j *job) checkForge(req bump.Request) error {
	if j.mode != config.PullRequest || req.Publish != bump.Preview {
		return nil
	}
	host, err := j.openForge()
	if err != nil {
		return err
	}
	look := req.Proposal
	return host.Check(forge.Proposal{Labels: look.Labels, Reviewers: look.Reviewers, Assignees: look.Assignees, Draft: look.Draft, AutoMerge: look.AutoMerge})
}

// openForge opens the forge of the repository. Its error names the project file when
// that is what asks for a pull request.
func (j *job) openForge() (forge.Host, error) {
	host, err := j.world.ForgeOf(j.repo, j.place)
	if err != nil && j.flags.pr == "" {
		err = fmt.Errorf("%s wants a pull request: %w", j.project.file, err)
	}
	return host, err
}

package cli

import (
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/placeholder"
	"github.com/tagbump/tagbump/pkg/record"
	"github.com/tagbump/tagbump/pkg/wire"
)

// commitFlags say how the commit looks.
type commitFlags struct{ author, message, signingKey, pipelineNumber, via string }

func (c *commitFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.author, "author", "", "`\"NAME <EMAIL>\"` of the commit (default: GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL, outside of CI git's own user, else tagbump)")
	cmd.Flags().StringVar(&c.message, "message", "", "commit message, a `TEXT` with placeholders: {{.Subject}}, {{.Changes}}, {{.Image}}, {{.Tag}}, {{.Digest}}, {{.Revision}}, {{.Environment}}")
	cmd.Flags().StringVar(&c.signingKey, "signing-key", "", "sign the commit with the private key in `FILE`, of SSH or GPG; of a public SSH key the agent has the private one (passphrase: TAGBUMP_SIGNING_KEY_PASSPHRASE)")
	cmd.Flags().StringVar(&c.via, "commit-via", "", "read and commit by git's protocol, or by the forge's API without git, which GitHub signs: `git|api|auto`; auto is api for a GitHub App (default: git)")
	completeWith(cmd, "commit-via", wire.Vias()...)
	cmd.Flags().StringVar(&c.pipelineNumber, "pipeline-number", "", "`NUMBER` of the CI pipeline, kept in the commit (CircleCI: << pipeline.number >>)")
	inGroup(cmd, groupPublish, "author", "message", "signing-key", "pipeline-number")
	inGroup(cmd, groupPublish, "commit-via")
}

// or returns the flags, with the project file's values where they are not given.
func (c commitFlags) or(configured config.Commit) commitFlags {
	c.author = firstOf(c.author, configured.Author)
	c.message = firstOf(c.message, configured.Message)
	c.via = firstOf(c.via, configured.Via)
	return c
}

func (c commitFlags) check() error {
	if c.via == "" {
		return nil
	}
	return oneOf("commit-via", c.via, wire.Vias()...)
}

// text is the message; the zero Text when none is given.
func (c commitFlags) text() (placeholder.Text, error) {
	text, err := placeholder.Parse(c.message, bump.MessagePlaceholders...)
	if err != nil {
		return text, fmt.Errorf("--message: %w", err)
	}
	return text, nil
}

// provenance is what the CI system says about its build, with the number that a
// person gives.
func (c commitFlags) provenance(w wire.World) (record.Provenance, error) {
	p := w.Provenance()
	if c.pipelineNumber == "" {
		return p, nil
	}
	number, err := strconv.ParseInt(c.pipelineNumber, 10, 64)
	if err != nil || number < 1 {
		return p, fault.Errorf(fault.Usage, "--pipeline-number: %q must be a positive number", c.pipelineNumber)
	}
	p.Pipeline = number
	return p, nil
}

package cli

import (
	"bytes"
	"net/mail"
	"strconv"
	"strings"
	"text/template"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/record"
)

// commitFlags say how the commit looks.
type commitFlags struct{ author, message, signingKey, pipelineNumber string }

func (c *commitFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.author, "author", "", "`\"NAME <EMAIL>\"` of the commit (default: GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL, else tagbump)")
	cmd.Flags().StringVar(&c.message, "message", "", "commit message, a `TEMPLATE` over .Subject, .Environment, .Images and .Changes")
	cmd.Flags().StringVar(&c.signingKey, "signing-key", "", "sign the commit with the private key in `FILE`, of SSH or GPG (passphrase: TAGBUMP_SIGNING_KEY_PASSPHRASE)")
	cmd.Flags().StringVar(&c.pipelineNumber, "pipeline-number", "", "`NUMBER` of the CI pipeline, kept in the commit (CircleCI: << pipeline.number >>)")
}

// template is the --message, nil when there is none.
func (c commitFlags) template() (*template.Template, error) {
	if c.message == "" {
		return nil, nil
	}
	parsed, err := template.New("--message").Option("missingkey=error").Parse(c.message)
	if err != nil {
		return nil, usageError{strings.TrimPrefix(err.Error(), "template: "), ""}
	}
	return parsed, nil
}

// provenance is what CI systems tell of their build (CircleCI, GitHub, GitLab).
func (s *session) provenance() (record.Provenance, error) {
	p := record.Provenance{Revision: s.firstEnv("CIRCLE_SHA1", "GITHUB_SHA", "CI_COMMIT_SHA"), BuildURL: s.firstEnv("CIRCLE_BUILD_URL", "CI_JOB_URL")}
	if text := s.flags.commitMeta.pipelineNumber; text != "" {
		number, err := strconv.ParseInt(text, 10, 64)
		if err != nil || number < 1 {
			return p, usageError{"--pipeline-number: " + quote(text) + " is no number from 1 on", ""}
		}
		p.Pipeline = number
	}
	return p, nil
}

func (s *session) firstEnv(names ...string) string {
	for _, name := range names {
		if value := s.env.Getenv(name); value != "" {
			return value
		}
	}
	return ""
}

// author is the one of --author, else whom git itself would take, else tagbump.
func (s *session) author() (gitrepo.Signature, error) {
	if text := s.flags.commitMeta.author; text != "" {
		address, err := mail.ParseAddress(text)
		if err != nil || address.Name == "" {
			return gitrepo.Signature{}, usageError{"--author: " + quote(text) + ` is not of the form "Name <name@example.com>"`, ""}
		}
		return gitrepo.Signature{Name: address.Name, Email: address.Address}, nil
	}
	return gitrepo.Signature{
		Name:  firstOf(s.env.Getenv("GIT_AUTHOR_NAME"), "tagbump"),
		Email: firstOf(s.env.Getenv("GIT_AUTHOR_EMAIL"), "noreply@tagbump.invalid"), // RFC 2606: reaches nobody
	}, nil
}

// committer is the author unless git's variables name another.
func (s *session) committer(author gitrepo.Signature) gitrepo.Signature {
	return gitrepo.Signature{
		Name:  firstOf(s.env.Getenv("GIT_COMMITTER_NAME"), author.Name),
		Email: firstOf(s.env.Getenv("GIT_COMMITTER_EMAIL"), author.Email),
	}
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

// signer signs with the key of --signing-key; nil without one.
func (s *session) signer() (gitrepo.Signer, error) {
	file := s.flags.commitMeta.signingKey
	if file == "" {
		return nil, nil
	}
	key, err := s.readFlag("--signing-key", file, smallfile.Key)
	if err != nil {
		return nil, err
	}
	passphrase := s.env.Getenv("TAGBUMP_SIGNING_KEY_PASSPHRASE")
	if bytes.Contains(key, []byte("PGP PRIVATE KEY BLOCK")) {
		return gitrepo.NewGPGSigner(key, passphrase, s.env.Now)
	}
	return gitrepo.NewSSHSigner(key, passphrase)
}

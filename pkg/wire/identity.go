package wire

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/record"
)

// author returns whom git itself would take, else tagbump.
func (w World) author() gitrepo.Signature {
	return gitrepo.Signature{
		Name:  firstOf(w.Getenv("GIT_AUTHOR_NAME"), "tagbump"),
		Email: firstOf(w.Getenv("GIT_AUTHOR_EMAIL"), "noreply@tagbump.invalid"), // RFC 2606: reaches nobody
	}
}

func parseAuthor(text string) (gitrepo.Signature, error) {
	author, err := record.ParseAuthor(text)
	if err != nil {
		return gitrepo.Signature{}, fault.Errorf(fault.Usage, "--author: %w", err)
	}
	return gitrepo.Signature{Name: author.Name, Email: author.Email}, nil
}

// committer is the author unless git's variables name another.
func (w World) committer(author gitrepo.Signature) gitrepo.Signature {
	return gitrepo.Signature{
		Name:  firstOf(w.Getenv("GIT_COMMITTER_NAME"), author.Name),
		Email: firstOf(w.Getenv("GIT_COMMITTER_EMAIL"), author.Email),
	}
}

// signer signs with the key in a file; it is nil without a file. The private half of a
// public key is the agent's.
func (w World) signer(file string) (gitrepo.Signer, error) {
	if file == "" {
		return nil, nil
	}
	key, err := w.ReadFlag("--signing-key", file, smallfile.Key)
	if err != nil {
		return nil, err
	}
	signer, err := gitrepo.NewSigner(key, gitrepo.SignerOptions{
		Passphrase:  w.secret(signingPassphraseVariable),
		AgentSocket: w.Getenv("SSH_AUTH_SOCK"),
		Now:         w.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return signer, nil
}

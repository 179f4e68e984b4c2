package wire

import (
	"context"
	"fmt"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/record"
	"github.com/tagbump/tagbump/pkg/worktree"
)

// defaultAuthor is that of commits that have no other. Its address reaches nobody (RFC 2606).
var defaultAuthor = gitrepo.Signature{Name: "tagbump", Email: "noreply@tagbump.invalid"}

// author returns whom git's variables name, else git's own user, else tagbump. Whom git's
// configuration names in a CI job is nobody who asked for the commit.
func (w World) author(ctx context.Context) gitrepo.Signature {
	author := gitrepo.Signature{Name: w.Getenv("GIT_AUTHOR_NAME"), Email: w.Getenv("GIT_AUTHOR_EMAIL")}
	if (author.Name == "" || author.Email == "") && !w.isCI() {
		home := firstOf(w.Getenv("HOME"), w.Getenv("USERPROFILE")) // Windows has the latter
		name, email := worktree.User(ctx, "HOME="+home, "XDG_CONFIG_HOME="+w.Getenv("XDG_CONFIG_HOME"))
		if _, err := record.ParseAuthor(fmt.Sprintf("%s <%s>", name, email)); err == nil {
			author.Name, author.Email = firstOf(author.Name, name), firstOf(author.Email, email)
		}
	}
	return gitrepo.Signature{Name: firstOf(author.Name, defaultAuthor.Name), Email: firstOf(author.Email, defaultAuthor.Email)}
}

// isCI reports whether a CI system runs this job.
func (w World) isCI() bool { return w.Getenv("CI") != "" || w.ciSystem().name != "" }

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
		When:  author.When,
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

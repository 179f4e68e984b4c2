// Package gitrepo reads the few files it needs from a remote git repository,
// makes a commit that changes them and pushes it, without a clone.
//
// A [Repo] speaks git's own protocol (version 2, and 0 with older servers) over
// http, https and ssh, and reads repositories on disk directly; it starts no
// program and reads nobody's git configuration, so a url.insteadOf in
// ~/.gitconfig cannot send a push elsewhere. [Repo.Read] gives a [Tree], a file
// system of exactly the files that were asked for; [Repo.Push] moves a branch
// from the commit that the Tree was read at to a new one, and only if the branch
// still stands there.
//
// It refuses what it cannot change faithfully: SHA-256 repositories, LFS
// pointers, git-crypt files, symbolic links, submodules, and files over
// [MaxFileSize]. One trap: a push whose answer was lost may have landed, so
// Push never trusts the answer alone. It reads the branch again and judges by
// where it stands.
package gitrepo

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/redact"
)

// MaxFileSize is the size in bytes over which a file is refused.
const MaxFileSize = files.MaxSize

// Options say how to reach a repository. The zero value reaches public ones.
type Options struct {
	// Username and Token are sent as Basic credentials with every http request
	// to the URL's own host, and to no other. Username: "x-access-token".
	// Token: the password in the URL, else none.
	Username, Token string

	// SSHKey is the path of a private key; with it no other key is offered.
	// Default: the keys of the agent.
	SSHKey string
	// SSHKeyPassphrase opens SSHKey. Default: the key is not encrypted.
	SSHKeyPassphrase string
	// SSHAgentSocket is the agent's socket (SSH_AUTH_SOCK). Default: no agent.
	SSHAgentSocket string
	// KnownHosts is the path of the file that the server's host key must be in.
	// Default: none, and then HostKey must be given.
	KnownHosts string
	// HostKey pins the server's key, as in authorized_keys ("ssh-ed25519 AAAA…").
	// Default: KnownHosts decides.
	HostKey string

	// CABundle holds PEM certificates that are trusted beside the system's.
	// Default: the system's only.
	CABundle []byte

	// Timeout is how long a server may be silent. Default: one minute.
	Timeout time.Duration

	// Progress is told what takes long, one line each, without a line end.
	// Default: silence.
	Progress func(format string, args ...any)
}

func (o Options) timeout() time.Duration {
	if o.Timeout > 0 {
		return o.Timeout
	}
	return defaultTimeout
}

// A Repo is a remote repository. Its methods may be called one after another;
// what they have read is kept, so a second Read of a branch that moved costs
// only what changed. A Repo is not for several goroutines at once.
type Repo struct {
	addr    giturl.Address
	options Options
	secrets redact.Secrets
	store   *store
	remote  remote
	rung    rung          // how the server is asked
	base    plumbing.Hash // the last tip that was read whole
	closing sync.Once
}

// remote is all that the engine asks of a way to reach a repository.
type remote interface {
	// refs lists the branch and what it may be called; branch "" asks for the
	// one that the remote's HEAD names.
	refs(ctx context.Context, branch string) (ref, error)
	// capabilities tells what the server can do, and may ask it.
	capabilities(ctx context.Context) (capabilities, error)
	// fetch brings what req wants into s. errBudget and errEnough leave there what
	// came until then; errDeclined means that another request may do.
	fetch(ctx context.Context, req fetchRequest, s *store) error
	// push sends pack and moves the branch, compare and swap.
	push(ctx context.Context, u update) error
	close() error
}

// A ref is a branch and where it stands.
type ref struct {
	branch string        // without "refs/heads/"
	tip    plumbing.Hash // zero when there is no such branch
}

// Open checks url and says how the repository will be reached. It does not touch
// the network: a repository that does not exist shows at the first Read.
//
// The url is http://, https://, ssh://, file://, git@host:path or a path on this
// machine. Other forms, and options that contradict the url, are errors.
func Open(url string, opts Options) (*Repo, error) {
	addr, err := giturl.Parse(url)
	if err != nil {
		return nil, err
	}
	creds, err := credentialsFor(addr, opts)
	if err != nil {
		return nil, err
	}
	r := &Repo{
		addr:    addr,
		options: opts,
		secrets: redact.NewSecrets(opts.Token, opts.SSHKeyPassphrase, addr.Password, tokenIn(addr)),
		store:   newStore(),
	}
	r.remote, err = r.dialer(creds)
	return r, err
}

func (r *Repo) dialer(creds credentials) (remote, error) {
	switch {
	case r.addr.IsHTTP():
		return newHTTPRemote(r.addr, creds, r.options)
	case r.addr.IsLocal():
		return newLocalRemote(r.addr.Path)
	}
	return newSSHRemote(r.addr, r.options)
}

// Close ends the connection, if there is one. The Repo must not be used after.
func (r *Repo) Close() error {
	var err error
	r.closing.Do(func() { err = r.remote.close() })
	return err
}

// String is the repository's URL without its secrets.
func (r *Repo) String() string { return r.addr.String() }

// Tip returns the commit that branch stands at, as 40 hex digits, or "" when
// there is no such branch. Branch "" is the one that the remote's HEAD names.
func (r *Repo) Tip(ctx context.Context, branch string) (string, error) {
	if err := checkBranch(branch); err != nil {
		return "", r.wrap(branch, err)
	}
	at, err := r.refs(ctx, branch)
	if err != nil {
		return "", r.wrap(branch, err)
	}
	if at.tip.IsZero() {
		return "", nil
	}
	return at.tip.String(), nil
}

// A Revision names what is read: the tip of Branch, or the commit Commit.
type Revision struct {
	// Branch is a branch's name without "refs/heads/"; "" is the branch that the
	// remote's HEAD names.
	Branch string
	// Commit is the hash of a commit, as 40 hex digits. When it is set, that commit is
	// read, and Branch only says which branch the Tree belongs to; the server is not
	// asked whether the branch contains it.
	Commit string
}

// Read returns the regular files at a revision that sel includes, as a file system.
//
// The files that sel requires must exist: ErrNoFile otherwise. Symbolic links and
// submodules are never followed; LFS pointers and files that git-crypt encrypts are
// left out, and refused when they are required.
func (r *Repo) Read(ctx context.Context, at Revision, sel files.Selection) (*files.Tree, error) {
	tip, err := r.resolve(ctx, at)
	if err != nil {
		return nil, r.wrap(at.Branch, err)
	}
	list, err := r.collect(ctx, tip.tip, sel)
	if err != nil {
		return nil, r.wrap(tip.branch, err)
	}
	return files.NewTree(tip.branch, tip.tip.String(), list), nil
}

// resolve finds the commit that at names.
func (r *Repo) resolve(ctx context.Context, at Revision) (ref, error) {
	if err := checkBranch(at.Branch); err != nil {
		return ref{}, err
	}
	if at.Commit != "" {
		if !plumbing.IsHash(at.Commit) {
			return ref{}, fmt.Errorf("%q is not the id of a commit (40 hex digits)", at.Commit)
		}
		return ref{at.Branch, plumbing.NewHash(at.Commit)}, nil
	}
	found, err := r.refs(ctx, at.Branch)
	if err == nil && found.tip.IsZero() {
		err = fail(ErrNotFound, "no such branch")
	}
	return found, err
}

func (r *Repo) progress(format string, args ...any) {
	if r.options.Progress != nil {
		r.options.Progress(format, args...)
	}
}

func checkBranch(name string) error {
	if name == "" {
		return nil
	}
	if err := plumbing.NewBranchReferenceName(name).Validate(); err != nil || strings.HasPrefix(name, "-") {
		return fmt.Errorf("%q is not a branch name", name)
	}
	return nil
}

package gitrepo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/openssh"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/pick"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/wire"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/redact"
)

// MaxFileSize is the size in bytes over which a file is refused.
const MaxFileSize = files.MaxSize

// Options say how to reach a repository. The zero value reaches public ones.
type Options struct {
	// Username and Token are sent as Basic credentials with every http request to the
	// URL's own host, and to no other. White space around them is cut. Username: the one
	// in the URL, else "x-access-token". Token: the password in the URL, else none.
	Username, Token string
	// TokenSource says for errors where Token is from ("TAGBUMP_TOKEN"), or without a
	// Token why there is none.
	TokenSource string

	// Home is the folder whose .ssh has the configuration, the keys and the known_hosts
	// that ssh uses. Default: there is none.
	Home string
	// SSHKey names the only key to offer: the path of a private key, its text (also in
	// base64), or the fingerprint of a key that the agent or ~/.ssh has. Default: the keys
	// that ssh would offer.
	SSHKey string
	// SSHKeyPassphrase opens private keys that are encrypted.
	SSHKeyPassphrase string
	// SSHAgentSocket is the agent's socket (SSH_AUTH_SOCK). Default: no agent.
	SSHAgentSocket string
	// KnownHosts is the path of the only known_hosts file to trust. Default: those that
	// ssh reads.
	KnownHosts string
	// HostKey pins the server's key, as in authorized_keys ("ssh-ed25519 AAAA…").
	// Default: known_hosts decides.
	HostKey string
	// SSHSystemDir has the machine's ssh_config and ssh_known_hosts. Default: /etc/ssh.
	SSHSystemDir string

	// CABundle holds PEM certificates that are trusted beside the system's.
	// Default: the system's only.
	CABundle []byte

	// Recent is how many of the latest commits the first Read brings along, without a
	// round trip of its own, so that a Log of so many is answered at once. Default: none.
	Recent int
	// Timeout is how long a server may be silent. Default: one minute.
	Timeout time.Duration

	// Progress is told what takes long and what a server says beside its answer, one line
	// each, without a line end. Default: silence.
	Progress func(format string, args ...any)
	// Detail is told which lines of known_hosts, keys and blocks of ssh's configuration
	// are left out, and why. Default: silence.
	Detail func(format string, args ...any)
}

// A Repo is a remote repository. Its methods may be called one after another; what they
// have read is kept, so a second Read of a branch that moved costs only what changed. A
// Repo is not for several goroutines at once.
type Repo struct {
	addr    giturl.Address
	options Options
	secrets redact.Secrets
	remote  wire.Retrying
	picker  *pick.Picker
	closing sync.Once

	lookedAhead bool // a Read has asked for the latest commits
}

// Open checks url and decides how the repository will be reached. It does not touch the
// network: a repository that does not exist shows at the first Read.
//
// The url is one that [giturl.Parse] takes. Options that contradict it are errors.
func Open(url string, opts Options) (*Repo, error) {
	addr, err := giturl.Parse(url)
	if err != nil {
		return nil, err
	}
	opts.Token, opts.Username = strings.TrimSpace(opts.Token), strings.TrimSpace(opts.Username)
	creds, err := credentialsFor(addr, opts)
	if err != nil {
		return nil, err
	}
	r := &Repo{
		addr:    addr,
		options: opts,
		secrets: redact.NewSecrets(opts.Token, opts.SSHKeyPassphrase, addr.Password, tokenIn(addr)),
	}
	remote, err := r.dial(creds)
	if err != nil {
		return nil, err
	}
	r.remote = wire.Retrying{Remote: remote, Log: func(err error) { r.progress("%v; trying again", err) }}
	r.picker = &pick.Picker{Server: r.remote, Store: object.NewStore(), Log: r.progress}
	return r, nil
}

// store returns where the objects are that were read.
func (r *Repo) store() *object.Store { return r.picker.Store }

// dial returns the way to reach the repository. It does not connect yet.
func (r *Repo) dial(creds wire.Credentials) (wire.Remote, error) {
	opts := r.options
	idle := opts.Timeout
	if idle <= 0 {
		idle = wire.DefaultIdleTimeout
	}
	switch {
	case r.addr.IsHTTP():
		return wire.NewHTTP(r.addr, wire.HTTPOptions{Credentials: creds, CABundle: opts.CABundle, IdleTimeout: idle, Log: r.progress})
	case r.addr.IsLocal():
		return wire.NewLocal(r.addr.Path)
	}
	return wire.NewSSH(r.addr, wire.SSHOptions{
		Keys:        openssh.KeyOptions{Only: opts.SSHKey, Passphrase: opts.SSHKeyPassphrase, AgentSocket: opts.SSHAgentSocket},
		Home:        opts.Home,
		SystemDir:   firstOf(opts.SSHSystemDir, "/etc/ssh"),
		KnownHosts:  opts.KnownHosts,
		HostKey:     opts.HostKey,
		IdleTimeout: idle,
		Log:         r.detail,
	})
}

// Close ends the connection, if there is one. The Repo must not be used after.
func (r *Repo) Close() error {
	var err error
	r.closing.Do(func() { err = r.remote.Close() })
	return err
}

// String returns the repository's URL without its secrets.
func (r *Repo) String() string { return r.addr.String() }

// Tip returns the commit at the tip of branch, as 40 hex digits, or "" when there is no
// such branch. Branch "" is the one that the remote's HEAD names.
func (r *Repo) Tip(ctx context.Context, branch string) (string, error) {
	if err := checkBranch(branch); err != nil {
		return "", r.wrap(branch, err)
	}
	found, err := r.remote.Refs(ctx, branch)
	if err != nil {
		return "", r.wrap(branch, err)
	}
	if found.Tip.IsZero() {
		return "", nil
	}
	return found.Tip.String(), nil
}

// Branches returns the names of the branches that begin with prefix, in order. A server of
// git's first protocol lists all of its refs for that, a newer one only these.
func (r *Repo) Branches(ctx context.Context, prefix string) ([]string, error) {
	names, err := r.remote.Branches(ctx, prefix)
	if err != nil {
		return nil, r.wrap("", err)
	}
	slices.Sort(names)
	return names, nil
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
	commit, err := r.resolve(ctx, at)
	if err != nil {
		return nil, r.wrap(at.Branch, err)
	}
	ahead, cancel := context.WithCancel(ctx)
	defer cancel()
	wait := r.lookAhead(ahead, commit.Tip)
	list, err := r.files(ctx, at, commit.Tip, sel)
	if err != nil {
		cancel()
	}
	wait()
	if err != nil {
		return nil, r.wrap(commit.Branch, err)
	}
	return files.NewTree(commit.Branch, commit.Tip.String(), list), nil
}

// files reads files of a commit. One that was named by its hash is, as a rule, an older
// one than the last that was read.
func (r *Repo) files(ctx context.Context, at Revision, commit plumbing.Hash, sel files.Selection) ([]files.File, error) {
	if at.Commit != "" {
		return r.picker.FilesBeside(ctx, commit, sel)
	}
	return r.picker.Files(ctx, commit, sel)
}

// resolve finds the commit that at names.
func (r *Repo) resolve(ctx context.Context, at Revision) (wire.Ref, error) {
	if err := checkBranch(at.Branch); err != nil {
		return wire.Ref{}, err
	}
	if at.Commit != "" {
		if !plumbing.IsHash(at.Commit) {
			return wire.Ref{}, fmt.Errorf("%q is not the hash of a commit (40 hex digits)", at.Commit)
		}
		return wire.Ref{Branch: at.Branch, Tip: plumbing.NewHash(at.Commit)}, nil
	}
	found, err := r.remote.Refs(ctx, at.Branch)
	if err == nil && found.Tip.IsZero() {
		err = wire.Fail(ErrNotFound, "no such branch")
	}
	return found, err
}

// progress tells the caller, without secrets, what takes long.
func (r *Repo) progress(format string, args ...any) { r.tell(r.options.Progress, format, args...) }

// detail tells the caller what is left out.
func (r *Repo) detail(format string, args ...any) { r.tell(r.options.Detail, format, args...) }

func (r *Repo) tell(log func(string, ...any), format string, args ...any) {
	if log != nil {
		log("%s", r.secrets.Text(r.addr.String()+": "+fmt.Sprintf(format, args...)))
	}
}

func checkBranch(name string) error {
	if name == "" {
		return nil
	}
	if err := plumbing.NewBranchReferenceName(name).Validate(); err != nil || strings.HasPrefix(name, "-") {
		return fault.Errorf(fault.Usage, "%q is not a branch name", name)
	}
	return nil
}

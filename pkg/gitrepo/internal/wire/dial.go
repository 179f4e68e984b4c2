package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/openssh"
)

// SSHOptions say how to reach a server over ssh.
type SSHOptions struct {
	// Keys says which keys to offer. Its Host is filled in from the configuration.
	Keys openssh.KeyOptions
	// Home is the folder whose .ssh has the configuration, the keys and known_hosts; ""
	// means that there is none. SystemDir has the machine's ssh_config and
	// ssh_known_hosts.
	Home, SystemDir string
	// KnownHosts is the only known_hosts file to trust. Default: those that ssh reads.
	KnownHosts string
	// HostKey is the only host key to trust, as a line of authorized_keys. Default: the
	// known_hosts files decide.
	HostKey string

	IdleTimeout time.Duration
	Log         func(format string, args ...any) // is told of lines and keys that are left out
}

// sshTimeout is how long connecting may take, and how long the handshake.
const sshTimeout = 15 * time.Second

// dialed says how a connection was made.
type dialed struct {
	user string
	keys []openssh.Key
}

// String names the keys that were offered.
func (d dialed) String() string {
	var names []string
	for _, key := range d.keys {
		names = append(names, key.Source)
	}
	const most = 6
	if len(names) > most {
		names = append(names[:most], fmt.Sprintf("%d more", len(names)-most))
	}
	return fmt.Sprintf("user %q with %s", d.user, strings.Join(names, ", "))
}

// A target is where to connect to, after the configuration was read.
type target struct {
	host, port string
	name       string // in known_hosts
	config     openssh.Host
}

// target applies ~/.ssh/config to the URL, whose own port and user count first.
func (r *sshRemote) target() (target, error) {
	config := openssh.Lookup(r.options.Home, r.options.SystemDir, r.addr.Host, r.addr.User)
	t := target{
		host:   firstOf(config.HostName, r.addr.Host),
		port:   firstOf(r.addr.Port, config.Port, "22"),
		config: config,
	}
	t.name = firstOf(config.HostKeyAlias, t.host)
	if config.Proxy != "" {
		return t, Fail(ErrUnsupported, "~/.ssh/config reaches %s through %q, and proxies of ssh are not supported", r.addr.Host, config.Proxy).
			WithHint("use the repository's https URL, or ProxyJump none for this host")
	}
	return t, nil
}

func (r *sshRemote) connect(ctx context.Context) (*ssh.Client, error) {
	t, err := r.target()
	if err != nil {
		return nil, err
	}
	config, trust, err := r.clientConfig(t)
	if err != nil {
		return nil, err
	}
	return r.handshake(ctx, t, config, trust)
}

// handshake connects to a target.
func (r *sshRemote) handshake(ctx context.Context, t target, config *ssh.ClientConfig, trust *trust) (*ssh.Client, error) {
	addr := net.JoinHostPort(t.host, t.port)
	conn, err := (&net.Dialer{Timeout: sshTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, Classify(ctx, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(sshTimeout))
	c, channels, requests, err := ssh.NewClientConn(conn, addr, config)
	if err != nil {
		_ = conn.Close()
		return nil, r.handshakeError(ctx, t, trust, err)
	}
	_ = conn.SetDeadline(time.Time{})
	return ssh.NewClient(c, channels, requests), nil
}

// clientConfig says how to log in. An error that comes with a config is about the keys of
// this side only.
func (r *sshRemote) clientConfig(t target) (*ssh.ClientConfig, *trust, error) {
	config := &ssh.ClientConfig{User: firstOf(r.addr.User, t.config.User, "git"), Timeout: sshTimeout}
	trust, err := r.trust(config, t)
	if err != nil {
		return nil, nil, err
	}
	options := r.options.Keys
	options.Host, options.Home = t.config, r.options.Home
	keys, notes, err := openssh.Keys(options)
	if err != nil {
		return config, trust, Because(ErrAuth, err, "")
	}
	r.note(t.config.Notes, notes, trust.known.Notes)
	if len(keys) == 0 {
		return config, trust, noKeys(notes)
	}
	r.dialed = dialed{config.User, keys}
	signers := make([]ssh.Signer, len(keys))
	for i, key := range keys {
		signers[i] = key.Signer
	}
	config.Auth = []ssh.AuthMethod{ssh.PublicKeys(signers...)}
	return config, trust, nil
}

func noKeys(notes []string) error {
	why := ""
	if len(notes) > 0 {
		why = " (" + strings.Join(notes, "; ") + ")"
	}
	return Fail(ErrAuth, "no SSH key: there is none in ~/.ssh and none with an agent%s", why).
		WithHint("name a private key's file with --ssh-key or TAGBUMP_SSH_KEY")
}

func (r *sshRemote) note(all ...[]string) {
	for _, notes := range all {
		for _, note := range notes {
			r.options.Log("%s", note)
		}
	}
}

// trust is whom the server may be.
type trust struct {
	known  *openssh.KnownHosts
	file   string // the known_hosts file that a person would add a key to
	reason error  // why the server's key was not accepted
}

// trust sets how config judges the server's key. The algorithms must follow from what is
// known of the server: a server with several keys would else offer one that the file does
// not have, which looks like a changed key.
func (r *sshRemote) trust(config *ssh.ClientConfig, t target) (*trust, error) {
	if r.pin != nil {
		pinned := &trust{known: &openssh.KnownHosts{}}
		config.HostKeyAlgorithms = openssh.AlgorithmsOf(r.pin.Type())
		config.HostKeyCallback = func(host string, remote net.Addr, offered ssh.PublicKey) error {
			if ssh.FixedHostKey(r.pin)(host, remote, offered) != nil {
				pinned.reason = openssh.ErrHostChanged
			}
			return pinned.reason
		}
		return pinned, nil
	}
	user, global := r.knownHostsFiles(t.config)
	known := &trust{
		known: openssh.ReadKnownHosts(append(user[:len(user):len(user)], global...)...),
		file:  firstOf(append(user, "~/.ssh/known_hosts")...),
	}
	if r.options.KnownHosts == "" { // the only file to trust
		known.known = known.known.WithForges(t.name, t.port)
	}
	config.HostKeyAlgorithms = known.known.Algorithms(t.name, t.port)
	config.HostKeyCallback = func(_ string, remote net.Addr, offered ssh.PublicKey) error {
		known.reason = known.known.Check(t.name, t.port, remote, offered)
		return known.reason
	}
	return known, nil
}

// knownHostsFiles returns the files of the user, and those of the machine.
func (r *sshRemote) knownHostsFiles(config openssh.Host) (user, global []string) {
	if r.options.KnownHosts != "" {
		return []string{openssh.ExpandHome(r.options.Home, r.options.KnownHosts)}, nil
	}
	user, global = config.UserKnownHosts, config.GlobalKnownHosts
	if len(user) == 0 && r.options.Home != "" {
		dir := filepath.Join(r.options.Home, ".ssh")
		user = []string{filepath.Join(dir, "known_hosts"), filepath.Join(dir, "known_hosts2")}
	}
	if len(global) == 0 && r.options.SystemDir != "" {
		global = []string{filepath.Join(r.options.SystemDir, "ssh_known_hosts"), filepath.Join(r.options.SystemDir, "ssh_known_hosts2")}
	}
	return user, global
}

func (r *sshRemote) handshakeError(ctx context.Context, t target, trust *trust, err error) error {
	refused := func(format string, args ...any) *Failure { return Fail(ErrAuth, format, args...).Final() }
	switch {
	case errors.Is(trust.reason, openssh.ErrHostUnknown):
		return refused("the server's host key is not in %s", trust.file).
			WithHint("add it once you have checked it: %s; or pin it with --ssh-host-key", t.keyscan(trust.file))
	case trust.reason != nil:
		text := "%v: this may be an attack, or a new key"
		if errors.Is(trust.reason, openssh.ErrHostRevoked) {
			text = "%v: somebody else may have the key"
		}
		return refused(text, trust.reason)
	case ctx.Err() != nil:
		return Classify(ctx, err)
	case strings.Contains(err.Error(), "Too many authentication failures"):
		return refused("the server ends the connection after too many keys").
			WithHint("%s was tried; name the right one with --ssh-key", r.dialed)
	case strings.Contains(err.Error(), "unable to authenticate"):
		return refused("the server takes no key that was offered").WithHint("%s was tried; name another one with --ssh-key", r.dialed)
	case strings.Contains(err.Error(), "no common algorithm for host key"):
		return refused("%v: the server has no key of the type that is known", openssh.ErrHostChanged)
	}
	return Classify(ctx, err)
}

// keyscan returns the command that adds the host's keys to file.
func (t target) keyscan(file string) string {
	command := "ssh-keyscan "
	if t.port != "22" {
		command += "-p " + t.port + " "
	}
	return command + t.host + " >> " + file
}

// quote is git's sq_quote: a shell on the server reads the result as one word.
func quote(s string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "!", `'\!'`).Replace(s) + "'"
}

package wire

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/worktree"
)

// A Place is where a repository is, before it is opened.
type Place struct {
	Where string // for people, without credentials
	Local bool   // a folder or a checkout, whose files are edited in place

	raw       string         // as it was named
	byProject bool           // named by a project file and not by a person
	address   giturl.Address // of a repository that is pushed to

	commitPath string     // of its forge, see knownForge
	forge      NamedForge // the zero NamedForge when the host tells
}

// A NamedForge is a forge that a person or the project file names.
type NamedForge struct {
	Type     string // as in the project file: "gitlab"; "" when only the host tells
	API      string // root of its API; "" for the usual one
	ByPerson bool   // named on the command line or by a variable, and not by a project file
}

// AtForge returns the place, hosted by the named forge.
func (p Place) AtForge(named NamedForge) Place {
	p.forge = named
	for _, known := range forges {
		if known.name == named.Type {
			p.commitPath = known.commit
		}
	}
	return p
}

// ByProject returns the place of an address that a project file names.
func (p Place) ByProject() Place {
	p.byProject = true
	return p
}

// forgeHost returns the host by which forges are told apart, "" for a local path.
func (p Place) forgeHost() string { return giturl.ForgeHost(giturl.HostOf(p.raw)) }

// Locate reads an address: the URL of a repository, a bare repository on disk, or
// a folder. It refuses a URL with credentials in it.
func (w World) Locate(address string) (Place, error) {
	if isFolder(w.Path(address)) {
		return Place{Where: giturl.Redact(address), Local: true, raw: address}, nil
	}
	parsed, err := giturl.Parse(address)
	if err != nil {
		return Place{}, fault.As(fault.Usage, err)
	}
	place := Place{Where: parsed.String(), raw: address, address: parsed}
	if known, found := w.forgeAt(place.forgeHost()); found {
		place.commitPath = known.commit
	}
	if parsed.HasCredentials() {
		return Place{}, fault.Errorf(fault.Usage, "%s: has credentials in it, and a URL is shown by logs and process lists", place.Where).
			WithHint("set TAGBUMP_TOKEN (or GITHUB_TOKEN) instead; a user name beside it goes into TAGBUMP_USERNAME")
	}
	return place, nil
}

// isFolder reports whether dir is a plain folder or a checkout. A bare repository
// is not: it is pushed to.
func isFolder(dir string) bool {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return false
	}
	_, headErr := os.Stat(filepath.Join(dir, "HEAD"))
	_, objectsErr := os.Stat(filepath.Join(dir, "objects"))
	return headErr != nil || objectsErr != nil
}

// Options say how to reach a repository, and how to change it.
type Options struct {
	SSHKey        string // private key file, its text, or a fingerprint; default: the keys that ssh would offer
	SSHKnownHosts string // default: the files that ssh reads
	SSHHostKey    string // the one key that the server must have; default: known_hosts decides

	SigningKey string // private key file, of SSH or GPG, or a public one whose private half the agent has; default: commits are not signed
	Keep       Keep   // how far a change in a checkout goes
	Via        Via    // how a remote repository is read and committed to; default: by git
}

// A Repository is open.
type Repository struct {
	// Repo makes commits of the author whom git itself would take, else of tagbump.
	// It is a field and not embedded: whoever asks whether it can do more than a
	// bump.Repo, such as tell its history, must see the value itself.
	Repo  bump.Repo
	world World
	close func() error
}

// Close frees what the repository holds.
func (r *Repository) Close() error { return r.close() }

// By returns the repository for commits by author, "NAME <EMAIL>"; "" leaves them
// as they are.
func (r *Repository) By(author string) (bump.Repo, error) {
	if author == "" {
		return r.Repo, nil
	}
	signature, err := parseAuthor(author)
	if err != nil {
		return nil, err
	}
	switch repo := r.Repo.(type) {
	case remote:
		repo.author = signature
		return repo, nil
	case folder:
		repo.author = author
		return repo, nil
	case apiRepo:
		return repo.withAuthor(r.world, author), nil
	}
	return r.Repo, nil
}

// OpenRepository opens the repository of a place.
func (w World) OpenRepository(place Place, options Options) (*Repository, error) {
	if place.Local {
		dir, err := worktree.Open(w.Path(place.raw))
		if err != nil {
			return nil, err
		}
		return &Repository{folder{dir: dir, keep: options.Keep}, w, dir.Close}, nil
	}
	if options.Via == ViaAPI || options.Via == ViaAuto && w.hasApp(place) {
		if options.SigningKey != "" {
			return nil, fault.Errorf(fault.Usage, "--signing-key: a commit by the API cannot be signed with a key of one's own").
				WithHint("GitHub signs it by itself; or commit by git: --commit-via git")
		}
		return w.openAPI(place)
	}
	signer, err := w.signer(options.SigningKey)
	if err != nil {
		return nil, err
	}
	repo, err := w.openGit(place, options)
	if err != nil {
		return nil, err
	}
	return &Repository{remote{repo: repo, world: w, signer: signer}, w, repo.Close}, nil
}

func (w World) openGit(place Place, options Options) (*gitrepo.Repo, error) {
	git := gitrepo.Options{
		Username:         w.gitUsername(place),
		Home:             w.Getenv("HOME"),
		SSHKey:           options.SSHKey,
		SSHKeyPassphrase: w.secret(sshPassphraseVariable),
		SSHAgentSocket:   w.Getenv("SSH_AUTH_SOCK"),
		KnownHosts:       options.SSHKnownHosts,
		HostKey:          options.SSHHostKey,
		CABundle:         w.caBundle,
		Recent:           bump.RecentCommits,
		Progress:         w.Say,
		Detail:           w.Detail,
	}
	c := w.gitCredential(place)
	git.Token, git.TokenSource = c.secret, c.source
	if c.hint != "" {
		git.TokenSource += ": " + c.hint
	}
	switch {
	case !place.address.IsHTTP():
	case c.hint != "":
		w.Say("warning: %s; %s", c.source, c.hint)
	case c.secret == "":
		w.Detail("%s: no token: %s", place.Where, c.source)
	default:
		w.Detail("%s: using the token in %s", place.Where, c.source)
		if place.address.IsPlainHTTP() {
			w.Say("warning: the token in %s travels to %s without encryption; use https", c.source, place.address.Host)
		}
	}
	address := place.raw
	if place.address.IsLocal() {
		address = w.Path(place.address.Path)
	}
	repo, err := gitrepo.Open(address, git)
	return repo, fault.As(fault.Usage, err)
}

// gitCredential returns the token for the place's git server.
func (w World) gitCredential(place Place) credential {
	known, _ := w.forgeAt(place.forgeHost())
	if place.forge.ByPerson {
		known, _ = w.forgeOf(place)
	}
	c := w.credentialFor(place, known.tokens)
	if job := w.jobCredential(place, known); c.secret == "" && job.secret != "" {
		return job
	}
	return c
}

// gitUsername returns the name that is sent with the token, "" for any: that of
// TAGBUMP_USERNAME, the one in the URL (as Azure DevOps and Bitbucket write it), or
// the one that the forge wants.
func (w World) gitUsername(place Place) string {
	if name := w.secret(usernameVariable); name != "" {
		return name
	}
	if place.address.IsHTTP() && place.address.User != "" {
		return place.address.User
	}
	known, found := w.forgeAt(place.forgeHost())
	switch {
	case found && w.isJobToken(known, w.gitCredential(place).secret):
		return jobUser
	case found && known.username != nil:
		return known.username(w)
	}
	return ""
}

// firstOf returns the first of values that is not blank.
func firstOf(values ...string) string {
	for _, value := range values {
		if strings.TrimSpace(value) != "" {
			return value
		}
	}
	return ""
}

package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/worktree"
)

// remote is a git repository as bump sees it.
type remote struct {
	repo              *gitrepo.Repo
	author, committer gitrepo.Signature
	signer            gitrepo.Signer // nil: commits are not signed
	now               func() time.Time
}

func (r remote) Read(ctx context.Context, branch string, globs []string) (bump.Tree, error) {
	return r.repo.Read(ctx, branch, globs)
}

func (r remote) Tip(ctx context.Context, branch string) (string, error) {
	return r.repo.Tip(ctx, branch)
}

func (r remote) Save(ctx context.Context, base bump.Tree, c bump.Commit) (bump.Saved, error) {
	commit := gitrepo.Commit{
		Branch: c.Branch, Old: c.Old, Files: c.Files, Message: c.Message,
		Author: r.author, Committer: r.committer, Signer: r.signer,
	}
	commit.Author.When = r.now()
	commit.Committer.When = commit.Author.When
	hash, err := r.repo.Push(ctx, base.(*files.Tree), commit)
	if errors.Is(err, gitrepo.ErrMoved) {
		err = fmt.Errorf("%w (%w)", bump.ErrMoved, err)
	}
	if err != nil {
		return bump.Saved{}, err
	}
	return bump.Saved{State: bump.Pushed, Commit: hash}, nil
}

// Messages makes remote a bump.History.
func (r remote) Messages(ctx context.Context, tree bump.Tree, most int) ([]string, error) {
	entries, err := r.repo.Log(ctx, tree.(*files.Tree), most)
	messages := make([]string, len(entries))
	for i, entry := range entries {
		messages[i] = entry.Message
	}
	return messages, err
}

// folder is a local folder as bump sees it: one branch without a name.
type folder struct {
	dir    *worktree.Dir
	keep   keeping
	author string // "" is whom the user's git takes
}

// keeping says how far a change in a local folder goes.
type keeping int

const (
	keepFiles  keeping = iota // the files are written
	keepCommit                // and committed
	keepPush                  // and pushed
)

// folderTree is the files of a folder, which has neither branch nor tip.
type folderTree struct{ fs.FS }

func (folderTree) Branch() string { return "" }
func (folderTree) Tip() string    { return "" }

func (f folder) Read(_ context.Context, _ string, globs []string) (bump.Tree, error) {
	selection, err := files.Select(globs...)
	if err != nil {
		return nil, err
	}
	fsys, err := f.dir.Read(selection)
	return folderTree{fsys}, err
}

func (f folder) Tip(context.Context, string) (string, error) { return "", nil }

// Save writes the files. With a commit it is all or nothing: when git refuses,
// the files are put back as they were.
func (f folder) Save(ctx context.Context, base bump.Tree, c bump.Commit) (bump.Saved, error) {
	if f.keep == keepFiles {
		if err := f.dir.Write(c.Files); err != nil {
			return bump.Saved{}, err
		}
		return bump.Saved{State: bump.Written}, nil
	}
	names := slices.Sorted(maps.Keys(c.Files))
	if err := f.dir.CheckClean(ctx, names); err != nil {
		return bump.Saved{}, err
	}
	before, err := contentsOf(base, names)
	if err != nil {
		return bump.Saved{}, err
	}
	if err := f.dir.Write(c.Files); err != nil {
		return bump.Saved{}, err
	}
	hash, err := f.dir.Commit(ctx, names, c.Message, f.author)
	if err != nil {
		return bump.Saved{}, errors.Join(err, f.dir.Write(before))
	}
	saved := bump.Saved{State: bump.Committed, Commit: hash}
	if f.keep == keepPush {
		if err := f.dir.Push(ctx); err != nil {
			return saved, unpushed{err, hash}
		}
		saved.State = bump.Pushed
	}
	return saved, nil
}

func contentsOf(fsys fs.FS, names []string) (map[string][]byte, error) {
	contents := make(map[string][]byte, len(names))
	for _, name := range names {
		content, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		contents[name] = content
	}
	return contents, nil
}

// unpushed is the error of a commit that stands in the checkout only.
type unpushed struct {
	err  error
	hash string
}

func (e unpushed) Error() string { return e.err.Error() }
func (e unpushed) Unwrap() error { return e.err }

// Hint says where the commit is, and what never loses a race.
func (e unpushed) Hint() string {
	return fmt.Sprintf("commit %.10s is in the checkout: git pull --rebase && git push; or give --repo URL, which needs no checkout and plans again when the branch has moved", e.hash)
}

func (s *session) openFolder() error {
	if s.flags.branch != "" {
		return usageError{"--branch needs a repository to push to, and " + s.where + " is a local folder", "give --repo URL"}
	}
	if s.flags.commitMeta.signingKey != "" {
		return usageError{"--signing-key needs a repository to push to, and " + s.where + " is a local folder", "there your own git commits: see git help config, commit.gpgSign"}
	}
	if _, err := s.author(); err != nil {
		return err
	}
	dir, err := worktree.Open(s.path(s.repoURL))
	if err != nil {
		return err
	}
	s.local, s.runner.Repo, s.closeRepo = true, folder{dir, s.flags.keep(), s.flags.commitMeta.author}, dir.Close
	return nil
}

func (s *session) openRemote(address giturl.Address) error {
	if s.flags.keep() != keepFiles {
		return usageError{"--commit and --push are for a local checkout, and " + s.where + " is a remote repository", "there a change is always committed and pushed, or proposed with --pr"}
	}
	options := gitrepo.Options{
		SSHKey:           s.sshKey(),
		SSHKeyPassphrase: s.env.Getenv("TAGBUMP_SSH_KEY_PASSPHRASE"),
		SSHAgentSocket:   s.env.Getenv("SSH_AUTH_SOCK"),
		KnownHosts:       s.flags.sshKnownHosts,
		HostKey:          s.flags.sshHostKey,
		Progress:         s.say,
	}
	if home := s.env.Getenv("HOME"); options.KnownHosts == "" && options.HostKey == "" && home != "" {
		options.KnownHosts = filepath.Join(home, ".ssh", "known_hosts")
	}
	if s.flags.caFile != "" {
		bundle, err := s.readFlag("--ca-file", s.flags.caFile, smallfile.Text)
		if err != nil {
			return err
		}
		options.CABundle = bundle
	}
	name, token := s.gitToken()
	options.Token, options.Username = token, s.env.Getenv("TAGBUMP_USERNAME")
	if token != "" {
		s.whisper("%s: using the token in %s", s.where, name)
		if address.IsPlainHTTP() {
			s.say("warning: the token in %s travels to %s without encryption; use https", name, address.Host)
		}
	}
	where := s.repoURL
	if address.IsLocal() {
		where = s.path(address.Path)
	}
	repo, err := gitrepo.Open(where, options)
	if err != nil {
		return usageError{err.Error(), fault.HintOf(err)}
	}
	author, err := s.author()
	if err != nil {
		return err
	}
	signer, err := s.signer()
	if err != nil {
		return err
	}
	s.runner.Repo, s.closeRepo = remote{repo, author, s.committer(author), signer, s.env.Now}, repo.Close
	return nil
}

// sshKey is the key file to offer, "" when an agent is to choose. Without an
// agent it is the first of those that ssh itself would look for.
func (s *session) sshKey() string {
	home := s.env.Getenv("HOME")
	if s.flags.sshKey != "" || s.env.Getenv("SSH_AUTH_SOCK") != "" || home == "" {
		return s.flags.sshKey
	}
	for _, name := range []string{"id_ed25519", "id_ecdsa", "id_rsa"} {
		file := filepath.Join(home, ".ssh", name)
		if _, err := os.Stat(file); err == nil {
			return file
		}
	}
	return ""
}

// gitToken is the token for s.repoURL, and the variable it stands in.
// TAGBUMP_TOKEN is meant for whatever --repo names; the forges' own variables
// are sent to their own hosts only, because a token that a CI system sets for
// one forge must not reach another server.
func (s *session) gitToken() (name, token string) {
	if token := s.env.Getenv("TAGBUMP_TOKEN"); token != "" {
		return "TAGBUMP_TOKEN", token
	}
	names := map[string][]string{
		"github": {"GITHUB_TOKEN", "GH_TOKEN"},
		"gitlab": {"GITLAB_TOKEN"},
	}[s.forgeOf(giturl.ForgeHost(giturl.HostOf(s.repoURL)))]
	for _, name := range names {
		if token := s.env.Getenv(name); token != "" {
			return name, token
		}
	}
	return "", ""
}

// forgeToken is the token for the API of the forge.
func (s *session) forgeToken() string {
	for _, name := range []string{"TAGBUMP_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"} {
		if token := s.env.Getenv(name); token != "" {
			return token
		}
	}
	return ""
}

// forgeOf tells whose host it is: "github", "gitlab" or "".
func (s *session) forgeOf(host string) string {
	switch {
	case host == "":
		return ""
	case host == "github.com", strings.HasSuffix(host, ".ghe.com"),
		host == giturl.HostOf(s.env.Getenv("GITHUB_SERVER_URL")), host == giturl.HostOf(s.env.Getenv("GITHUB_API_URL")):
		return "github"
	case host == "gitlab.com", host == s.env.Getenv("CI_SERVER_HOST"):
		return "gitlab"
	}
	return ""
}

// githubAPI returns the API's URL for the forge that holds the repository: known for
// github.com and *.ghe.com, else given by GITHUB_API_URL (GitHub Enterprise Server).
func githubAPI(repoURL, given string) (string, error) {
	host := giturl.ForgeHost(giturl.HostOf(repoURL))
	switch {
	case host == "github.com":
		return "", nil
	case strings.HasSuffix(host, ".ghe.com"):
		return "https://api." + host, nil
	case given != "" && giturl.HostOf(given) != "api.github.com":
		return given, nil
	}
	return "", usageError{
		fmt.Sprintf("a pull request at %s: only GitHub's API is known", orPath(host)),
		"for GitHub Enterprise set GITHUB_API_URL",
	}
}

func orPath(host string) string {
	if host == "" {
		return "a local path"
	}
	return host
}

// isNoFile reports whether a repository or folder lacks a file that was named.
func isNoFile(err error) bool {
	return errors.Is(err, gitrepo.ErrNoFile) || errors.Is(err, files.ErrMissing)
}

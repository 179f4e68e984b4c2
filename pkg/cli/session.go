package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/config"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/github"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/internal/smallfile"
	"github.com/tagbump/tagbump/pkg/registry"
)

// A session is one command with everything open that it works on.
type session struct {
	env        Env
	flags      *flags
	config     *config.Config // never nil; empty without a project file
	configFile string         // as people find it again; "" without a project file
	where      string         // the repository, safe to print
	repoURL    string
	local      bool // a folder, not a repository to push to
	runner     bump.Runner
	registry   *registry.Client
	closeRepo  func() error
}

func open(ctx context.Context, env Env, f *flags) (*session, error) {
	s := &session{env: env, flags: f, config: new(config.Config), closeRepo: func() error { return nil }}
	s.runner.Log = s.say
	if err := s.localConfig(); err != nil {
		return nil, err
	}
	if err := s.openRepo(); err != nil {
		return nil, err
	}
	return s, s.openRegistry()
}

func (s *session) close() { _ = s.closeRepo() }

// say tells a line of talk on stderr.
func (s *session) say(format string, args ...any) {
	fmt.Fprintf(s.env.Stderr, format+"\n", args...)
}

// whisper is say for those who asked with --verbose.
func (s *session) whisper(format string, args ...any) {
	if s.flags.verbose {
		s.say(format, args...)
	}
}

// openRegistry makes the runner able to ask registries, with the log-ins of env.
func (s *session) openRegistry() error {
	options := registry.Options{
		Keychain:  registry.NewKeychain(s.env.Getenv, s.whisper),
		Transport: s.env.Transport,
		UserAgent: userAgent(),
		Log:       s.whisper,
	}
	if options.Transport != nil {
		options.Keychain = authn.NewMultiKeychain()
	}
	var err error
	if s.registry, err = registry.New(options); err != nil {
		return err
	}
	s.runner.Registry = s.registry
	return nil
}

// path is where a file is that a person named.
func (s *session) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.env.Dir, name)
}

// readFlag returns the content of the file that a flag names.
func (s *session) readFlag(flag, name string, limit int64) ([]byte, error) {
	content, err := smallfile.Read(s.path(name), limit)
	if err != nil {
		return nil, fault.Errorf(fault.Usage, "%s: %w", flag, err)
	}
	return content, nil
}

func userAgent() string { return "tagbump/" + versionText() }

// localConfig reads the project file that --config names or that lies here.
func (s *session) localConfig() error {
	name := s.flags.config
	if name == "" {
		name = config.FileName
	}
	src, err := s.readProjectFile(name)
	if errors.Is(err, fs.ErrNotExist) && s.flags.config == "" {
		return nil
	}
	if pathError := new(fs.PathError); errors.As(err, &pathError) {
		where := name
		if s.flags.config != "" {
			where = "--config: " + name
		}
		return usageError{fmt.Sprintf("%s: %v", where, pathError.Err), ""}
	}
	if err != nil {
		return err
	}
	return s.parseConfig(name, src)
}

// readProjectFile takes a pipe only from a person: one that lies here by the
// project file's name would be waited for without end.
func (s *session) readProjectFile(name string) ([]byte, error) {
	if s.flags.config != "" {
		return smallfile.Read(s.path(name), smallfile.Text)
	}
	return smallfile.ReadRegular(s.path(name), smallfile.Text)
}

func (s *session) parseConfig(name string, src []byte) error {
	parsed, err := config.Parse(name, src)
	if err != nil {
		return err
	}
	s.config, s.configFile = parsed, name
	return nil
}

// lacks says that the project file has none of what, or is not there itself.
func (s *session) lacks(what string) string {
	if s.configFile == "" {
		return "there is no " + config.FileName
	}
	return s.configFile + " has no " + what
}

func (s *session) openRepo() error {
	s.repoURL = s.flags.repo
	if s.repoURL == "" {
		s.repoURL = s.config.Repository
	}
	if s.repoURL == "" {
		s.repoURL = "."
	}
	s.where = giturl.Redact(s.repoURL)
	if isFolder(s.path(s.repoURL)) {
		return s.openFolder()
	}
	address, err := giturl.Parse(s.repoURL)
	if err != nil {
		return usageError{err.Error(), ""}
	}
	s.where = address.String()
	if address.HasCredentials() {
		return usageError{
			s.where + ": has credentials in it, and a URL is shown by logs and process lists",
			"set TAGBUMP_TOKEN (or GITHUB_TOKEN) instead; a user name beside it goes into TAGBUMP_USERNAME",
		}
	}
	return s.openRemote(address)
}

// isFolder reports whether repo is a plain folder or a checkout, whose files
// are edited in place. A bare repository is none: it is pushed to.
func isFolder(repo string) bool {
	if info, err := os.Stat(repo); err != nil || !info.IsDir() {
		return false
	}
	_, headErr := os.Stat(filepath.Join(repo, "HEAD"))
	_, objectsErr := os.Stat(filepath.Join(repo, "objects"))
	return headErr != nil || objectsErr != nil
}

// openForge makes the runner able to propose.
func (s *session) openForge() error {
	owner, name, err := github.ParseURL(s.repoURL)
	if err != nil {
		return err
	}
	token := s.forgeToken()
	if token == "" {
		return fmt.Errorf("%s: a pull request needs a token: %w", s.where, noToken{})
	}
	apiURL, err := githubAPI(s.repoURL, s.env.Getenv("GITHUB_API_URL"))
	if err != nil {
		return err
	}
	client, err := github.New(owner, name, github.Options{APIURL: apiURL, Token: token, UserAgent: userAgent()})
	if err != nil {
		return err
	}
	s.runner.Forge = client
	return nil
}

// noToken is the access error of a run that has no credentials at all.
type noToken struct{}

func (noToken) Error() string { return "none is set" }
func (noToken) Unwrap() error { return forge.ErrAuth }
func (noToken) Hint() string  { return "set GITHUB_TOKEN (or GH_TOKEN, or TAGBUMP_TOKEN)" }

package wire

import (
	"errors"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/bitbucket"
	"github.com/tagbump/tagbump/pkg/forge/gitea"
	"github.com/tagbump/tagbump/pkg/forge/github"
	"github.com/tagbump/tagbump/pkg/forge/gitlab"
	"github.com/tagbump/tagbump/pkg/giturl"
)

// A knownForge is what tells one forge from the others.
type knownForge struct {
	name          string
	hosts         []string // in lower case; "*.ghe.com" is every host below ghe.com
	hostVariables []string // that hold a host or a URL of the forge, as its CI sets them
	tokens        []string // variables that hold a token for the forge's hosts, the first that is set counts
	// jobToken is the variable with the token of a CI job, for git alone and for the one
	// host in the variable jobHost; "" for forges without.
	jobToken, jobHost string
	// username returns the name that git sends with a token. Default: any will do.
	username func(w World) string
	// comparePage is the page that compares two commits: its address is made of the
	// repository's page, the older commit and the newer one.
	comparePage func(page, from, to string) string
	// open returns the forge's API.
	open func(w World, place Place, token string) (forge.Host, error)
	// commit is what a commit's page has between the repository's address and the hash.
	commit string
	// commits returns the part of the API that commits files; nil for forges without it.
	commits func(w World, place Place, token string) (committer, error)
}

var forges = []knownForge{
	{
		name:          "github",
		hosts:         []string{"github.com", "*.ghe.com"},
		hostVariables: []string{"GITHUB_SERVER_URL", "GITHUB_API_URL"},
		tokens:        []string{"GITHUB_TOKEN", "GH_TOKEN"},
		comparePage:   threeDots("/compare/"),
		open:          func(w World, place Place, token string) (forge.Host, error) { return openGitHub(w, place, token) },
		commits:       func(w World, place Place, token string) (committer, error) { return openGitHub(w, place, token) },
		commit:        "/commit/",
	},
	{
		name:          "gitlab",
		hosts:         []string{"gitlab.com"},
		hostVariables: []string{"CI_SERVER_HOST", "CI_API_V4_URL", "GITLAB_HOST"},
		tokens:        []string{"GITLAB_TOKEN"},
		jobToken:      "CI_JOB_TOKEN",
		jobHost:       "CI_SERVER_HOST",
		comparePage:   threeDots("/-/compare/"),
		open:          func(w World, place Place, token string) (forge.Host, error) { return openGitLab(w, place, token) },
		commits:       func(w World, place Place, token string) (committer, error) { return openGitLab(w, place, token) },
		commit:        "/-/commit/",
	},
	{
		name:   "bitbucket",
		hosts:  []string{"bitbucket.org"},
		tokens: []string{"BITBUCKET_TOKEN"},
		// Names that Bitbucket's documentation gives for its two kinds of tokens.
		username: func(w World) string {
			if w.Getenv("BITBUCKET_EMAIL") != "" {
				return "x-bitbucket-api-token-auth"
			}
			return "x-token-auth"
		},
		comparePage: func(page, from, to string) string { return page + "/branches/compare/" + to + ".." + from },
		open:        openBitbucket,
		commit:      "/commits/",
	},
	{
		name:          "gitea",
		hosts:         []string{"gitea.com", "codeberg.org"},
		hostVariables: []string{"GITEA_SERVER_URL", "FORGEJO_SERVER_URL"},
		tokens:        []string{"GITEA_TOKEN", "FORGEJO_TOKEN"},
		comparePage:   threeDots("/compare/"),
		open:          openGitea,
		commit:        "/commit/",
	},
}

func threeDots(below string) func(page, from, to string) string {
	return func(page, from, to string) string { return page + below + from + "..." + to }
}

// forgeOf returns the forge of a place: the one that a person or the project file names,
// else the one that the host belongs to. A project file cannot choose the host that
// a forge's own tokens are sent to, so they are left out where it names the forge or the
// host.
func (w World) forgeOf(place Place) (knownForge, bool) {
	byHost, found := w.forgeAt(place.forgeHost())
	if place.forge.Type != "" && place.forge.Type != byHost.name {
		i := slices.IndexFunc(forges, func(known knownForge) bool { return known.name == place.forge.Type })
		if i < 0 {
			return knownForge{}, false
		}
		named := forges[i]
		if !place.forge.ByPerson || place.byProject {
			named.tokens = nil
		}
		return named, true
	}
	if !found && w.Getenv(githubAPIVariable) != "" {
		return forges[0], true // GitHub Enterprise Server, whose git may have a host of its own
	}
	return byHost, found
}

// forgeAt returns the forge that a host belongs to.
func (w World) forgeAt(host string) (knownForge, bool) {
	if host == "" {
		return knownForge{}, false
	}
	for _, known := range forges {
		matches := func(pattern string) bool {
			domain, wildcard := strings.CutPrefix(pattern, "*")
			return host == pattern || wildcard && strings.HasSuffix(host, domain)
		}
		sets := func(variable string) bool { return host == hostIn(w.Getenv(variable)) }
		if slices.ContainsFunc(known.hosts, matches) || slices.ContainsFunc(known.hostVariables, sets) {
			return known, true
		}
	}
	return knownForge{}, false
}

// hostIn returns the host of a variable that holds a URL or a host alone.
func hostIn(text string) string {
	if host := giturl.HostOf(text); host != "" {
		return host
	}
	return strings.ToLower(text)
}

// apiOf returns the forge whose API the place's repository has.
func (w World) apiOf(place Place) (knownForge, error) {
	known, found := w.forgeOf(place)
	if !found {
		return knownForge{}, noAPI(place)
	}
	return known, checkAPI(place)
}

// forgeToken returns the token for a forge's API, which what needs.
func (w World) forgeToken(place Place, known knownForge, what string) (credential, error) {
	c := w.credentialFor(place, known.tokens)
	if isJob := w.isJobToken(known, c.secret); isJob || c.secret == "" && w.jobCredential(place, known).secret != "" {
		return c, fault.Errorf(fault.NoAccess, "%s: %s needs another token than the job's: %w, a job's token pushes by git and has no more rights", place.Where, what, forge.ErrAuth).
			WithHint("set %s to a project access token with the scope api and the role Developer", orList(append(slices.Clip(known.tokens), tokenVariable)))
	}
	if c.secret == "" {
		return c, fault.Errorf(fault.NoAccess, "%s: %s needs a token: %w, %s", place.Where, what, forge.ErrAuth, c.source).
			WithHint("%s", firstOf(c.hint, "set "+orList(append(known.tokens, tokenVariable))))
	}
	return c, nil
}

// OpenForge returns the API of the forge that holds the place's repository.
func (w World) OpenForge(place Place) (forge.Host, error) {
	known, err := w.apiOf(place)
	if err != nil {
		return nil, err
	}
	c, err := w.forgeToken(place, known, "a pull request")
	if err != nil {
		return nil, err
	}
	api, err := known.open(w, place, c.secret)
	if errors.Is(err, forge.ErrInvalid) {
		return nil, fault.As(fault.Usage, err)
	}
	if err != nil {
		return nil, err
	}
	return explainedForge{api, c}, nil
}

// checkAPI refuses an API of the project file that is on another host than the
// repository: whoever may write the file could otherwise have the token sent there.
func checkAPI(place Place) error {
	host := hostIn(place.forge.API)
	switch {
	case place.forge.API == "":
		return nil
	case host != place.forgeHost():
		return fault.Errorf(fault.Usage, "forge.api: %s is another host than the repository's, %s", host, place.forgeHost())
	case strings.HasPrefix(place.forge.API, "http:") && strings.HasPrefix(siteOf(place.address), "https:"):
		return fault.New(fault.Usage, "forge.api: the token would travel without encryption").WithHint("write https://")
	}
	return nil
}

func noAPI(place Place) error {
	host := place.forgeHost()
	if host == "" {
		return fault.Errorf(fault.Usage, "a pull request in a local path: no forge has it").WithHint("give --repo URL")
	}
	return fault.Errorf(fault.Usage, "a pull request at %s: which forge that is, is not known", host).
		WithHint("give --forge github, gitlab, gitea or bitbucket, or write forge: {type: …} into the project file")
}

const githubAPIVariable = "GITHUB_API_URL"

func openGitHub(w World, place Place, token string) (*github.Client, error) {
	owner, name, err := github.ParseURL(place.raw)
	if err != nil {
		return nil, err
	}
	apiURL, err := githubAPI(place, w.Getenv(githubAPIVariable))
	if err != nil {
		return nil, err
	}
	return github.New(owner, name, github.Options{APIURL: apiURL, Token: token, UserAgent: w.UserAgent, Transport: w.transport(), Log: w.Detail, Recent: bump.RecentCommits})
}

func openGitLab(w World, place Place, token string) (*gitlab.Client, error) {
	address := place.address
	apiURL := place.forge.API
	if fromCI := w.Getenv("CI_API_V4_URL"); apiURL == "" && hostIn(fromCI) == place.forgeHost() {
		apiURL = fromCI
	}
	apiURL = firstOf(apiURL, siteOf(address)+"/api/v4")
	return gitlab.New(address.Owner()+"/"+address.Name(), gitlab.Options{APIURL: apiURL, Token: token, UserAgent: w.UserAgent, Transport: w.transport(), Log: w.Detail})
}

func openBitbucket(w World, place Place, token string) (forge.Host, error) {
	address := place.address
	return bitbucket.New(address.Owner(), address.Name(), bitbucket.Options{APIURL: place.forge.API, Username: w.Getenv("BITBUCKET_EMAIL"), Token: token, UserAgent: w.UserAgent, Transport: w.transport(), Log: w.Detail})
}

func openGitea(w World, place Place, token string) (forge.Host, error) {
	address := place.address
	site := siteOf(address)
	for _, variable := range []string{"GITEA_SERVER_URL", "FORGEJO_SERVER_URL"} {
		if server := w.Getenv(variable); strings.Contains(server, "://") && hostIn(server) == place.forgeHost() {
			site = strings.TrimSuffix(server, "/")
		}
	}
	return gitea.New(address.Owner(), address.Name(), gitea.Options{APIURL: firstOf(place.forge.API, site+"/api/v1"), Token: token, UserAgent: w.UserAgent, Transport: w.transport(), Log: w.Detail})
}

// siteOf returns the root of the web site that has the repository.
func siteOf(address giturl.Address) string {
	return strings.TrimSuffix(address.WebURL(), "/"+address.Owner()+"/"+address.Name())
}

// githubAPI returns the API's URL for the place's host, "" for github.com. The
// given URL counts for hosts that are not GitHub's own.
func githubAPI(place Place, given string) (string, error) {
	host := place.forgeHost()
	switch {
	case place.forge.API != "":
		return place.forge.API, nil
	case host == "github.com":
		return "", nil
	case strings.HasSuffix(host, ".ghe.com"):
		return "https://api." + host, nil
	case given != "" && giturl.HostOf(given) != "api.github.com":
		return given, nil
	case place.forge.Type == "github":
		return siteOf(place.address) + "/api/v3", nil
	}
	return "", noAPI(place)
}

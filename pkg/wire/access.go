package wire

import (
	"context"

	"github.com/tagbump/tagbump/pkg/forge/access"
	"github.com/tagbump/tagbump/pkg/gitrepo"
)

// GitCredential says where the token for the place's git server is from: the name of a
// variable. Without a token, source says why.
func (w World) GitCredential(place Place) (source string, found bool) {
	c := w.gitCredential(place)
	return c.source, c.secret != ""
}

// IsHTTP reports whether the place is reached by http, and so with a token.
func (p Place) IsHTTP() bool { return !p.Local && p.address.IsHTTP() }

// MayPush asks the git server whether it would let a push in, and pushes nothing. In a
// folder there is nobody to ask.
func (r *Repository) MayPush(ctx context.Context) error {
	if remote, ok := r.Repo.(remote); ok {
		return remote.repo.MayPush(ctx)
	}
	return nil
}

// SSHAccess says by which keys the server of a repository and this side know each other.
// It is false for a repository that is not reached over ssh.
func (r *Repository) SSHAccess(ctx context.Context) (gitrepo.SSHAccess, bool) {
	if remote, ok := r.Repo.(remote); ok {
		return remote.repo.SSHAccess(ctx)
	}
	return gitrepo.SSHAccess{}, false
}

// rightsOf is how each forge is asked for the rights of a token, by its name.
var rightsOf = map[string]access.Forge{"github": access.GitHub, "gitlab": access.GitLab, "gitea": access.Gitea}

// ForgeRights asks the place's forge what its token may do with branch. It is false
// where no forge that can be asked is known, or no token.
func (w World) ForgeRights(ctx context.Context, place Place, branch string) (rights access.Rights, asked bool, err error) {
	known, found := w.forgeAt(place.forgeHost())
	ask := rightsOf[known.name]
	c := w.credentialFor(place, known.tokens)
	if !found || ask == nil || c.secret == "" {
		return access.Rights{}, false, nil
	}
	if err := checkAPI(place); err != nil {
		return access.Rights{}, false, err
	}
	options := access.Options{
		Token: c.secret, Repository: place.address.Owner() + "/" + place.address.Name(),
		UserAgent: w.UserAgent, Transport: w.transport(), Log: w.Detail,
	}
	if options.APIURL, err = w.apiURL(known.name, place); err != nil {
		return access.Rights{}, false, err
	}
	rights, err = ask(ctx, options, branch)
	return rights, true, err
}

// apiURL returns the root of the API of the place's forge.
func (w World) apiURL(forge string, place Place) (string, error) {
	switch forge {
	case "github":
		url, err := githubAPI(place, w.Getenv(githubAPIVariable))
		return firstOf(url, "https://api.github.com"), err
	case "gitlab":
		return siteOf(place.address) + "/api/v4", nil
	}
	return siteOf(place.address) + "/api/v1", nil
}

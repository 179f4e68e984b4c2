package wire

import (
	"context"
	"time"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/giturl"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// sources finds the pages and commits of the repositories that images are built from.
type sources struct {
	world World
	place Place // of the repository that is changed
}

// Sources returns the source repositories of images, for a change of the place's
// repository. Only a repository on the same host is asked for its commits, because
// the token is for that host.
func (w World) Sources(place Place) bump.Sources { return sources{w, place} }

// sourcePatience is how long a source repository may take to answer: the pull request
// does without its commits.
const sourcePatience = 10 * time.Second

// linkable matches an address that can be a link in Markdown as it is.
var linkable = lazyregexp.New(`^https?://[\w.:/~-]+$`)

func (s sources) Changes(ctx context.Context, source, from, to string) bump.SourceChanges {
	address, err := giturl.Parse(source)
	if err != nil || address.IsLocal() || address.HasCredentials() {
		return bump.SourceChanges{}
	}
	place := Place{Where: address.String(), raw: source, address: address, byProject: s.place.byProject}
	sameHost := siteOf(address) == siteOf(s.place.address)
	if sameHost {
		place.forge = s.place.forge
	}
	known, found := s.world.forgeOf(place)
	if page := address.WebURL(); !found || !linkable.MatchString(page) {
		return bump.SourceChanges{}
	}
	changes := bump.SourceChanges{URL: known.comparePage(address.WebURL(), from, to)}
	if !sameHost {
		return changes
	}
	host, err := s.world.OpenForge(place)
	if err != nil {
		return changes
	}
	ctx, cancel := context.WithTimeout(ctx, sourcePatience)
	defer cancel()
	diff, err := host.Compare(ctx, from, to)
	if err != nil {
		s.world.Detail("%s: the source commits are not known: %v", place.Where, err)
		return changes
	}
	changes.Commits = diff.Commits
	return changes
}

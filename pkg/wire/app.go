package wire

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/forge/github"
)

const (
	appIDVariable  = "GITHUB_APP_ID"
	appKeyVariable = "GITHUB_APP_PRIVATE_KEY"
	appTimeout     = time.Minute
)

// AppTokens keeps the tokens of a GitHub App for the length of a run: git and the API
// share one.
type AppTokens struct {
	mu    sync.Mutex
	known map[string]credential // by the repository's address
}

// hasApp reports whether the place's credential is a token of a GitHub App: the
// variables of one are set, the repository is at GitHub, and no TAGBUMP_TOKEN is for it.
func (w World) hasApp(place Place) bool {
	return w.secret(appIDVariable) != "" && w.isForApp(place) &&
		(w.secret(tokenVariable) == "" || w.withheld(place).source != "")
}

// isForApp reports whether the place is at a GitHub that an App may prove itself to. One
// that only the project file names is not: whoever gets the proof can log in as the App.
func (w World) isForApp(place Place) bool {
	if byHost, found := w.forgeAt(place.forgeHost()); found && byHost.name == "github" {
		return true
	}
	known, found := w.forgeOf(place)
	named := place.forge.Type == "" || place.forge.ByPerson
	return found && known.name == "github" && named && !place.byProject
}

// appCredential returns a token of the GitHub App for the place's repository, or the
// reason why it has none.
func (w World) appCredential(place Place) credential {
	if w.Apps == nil {
		return w.askApp(place)
	}
	w.Apps.mu.Lock()
	defer w.Apps.mu.Unlock()
	if w.Apps.known == nil {
		w.Apps.known = map[string]credential{}
	}
	c, known := w.Apps.known[place.Where]
	if !known {
		c = w.askApp(place)
		w.Apps.known[place.Where] = c
	}
	return c
}

func (w World) askApp(place Place) credential {
	app := github.App{ID: w.secret(appIDVariable), Key: w.secret(appKeyVariable)}
	if app.Key == "" {
		return credential{source: appIDVariable + " is set without " + appKeyVariable}
	}
	w.tell("", app.Key)
	owner, name, err := github.ParseURL(place.raw)
	if err != nil {
		return credential{source: err.Error()}
	}
	if err := checkAPI(place); err != nil {
		return credential{source: err.Error(), hint: fault.HintOf(err)}
	}
	apiURL, err := githubAPI(place, w.Getenv(githubAPIVariable))
	if err != nil {
		return credential{source: err.Error(), hint: fault.HintOf(err)}
	}
	ctx, cancel := context.WithTimeout(context.Background(), appTimeout)
	defer cancel()
	token, err := app.Token(ctx, owner, name, github.Options{APIURL: apiURL, UserAgent: w.UserAgent, Transport: w.transport(), Log: w.Detail})
	if err != nil {
		return credential{source: err.Error(), hint: fault.HintOf(err)}
	}
	w.tell("x-access-token", token)
	return credential{secret: token, source: fmt.Sprintf("GitHub App %s", app.ID)}
}

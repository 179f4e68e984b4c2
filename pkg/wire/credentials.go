package wire

import (
	"fmt"
	"strings"
)

// A credential is the token for one server, or the reason why there is none.
type credential struct {
	secret string
	source string // where the secret is from ("TAGBUMP_TOKEN"), else why none is sent
	hint   string // how to have one sent; "" when source says it
}

// credentialFor returns the token for the place's server.
//
// TAGBUMP_TOKEN comes first: it is for the host that a person named. A host that
// only a project file names gets it when the host is a forge that is known, or the
// one in TAGBUMP_TOKEN_HOST, because whoever may write the project file could
// otherwise have the token sent to a server of his own. The tokens of a forge are
// for that forge's hosts only. At GitHub, a GitHub App comes before GITHUB_TOKEN, which
// CI systems set unasked; isForApp says where it may log in.
func (w World) credentialFor(place Place, forgeTokens []string) credential {
	if w.hasApp(place) {
		return w.appCredential(place)
	}
	names := forgeTokens
	withheld := credential{}
	if w.secret(tokenVariable) != "" {
		withheld = w.withheld(place)
	}
	if withheld.source == "" {
		names = append([]string{tokenVariable}, forgeTokens...)
	}
	name, secret := w.firstSecret(names...)
	switch {
	case name != "":
		w.tell(w.secret(usernameVariable), secret)
		return credential{secret: secret, source: name}
	case withheld.source != "":
		return withheld
	}
	return credential{source: "no token is set: " + orList(names) + w.unusedToken()}
}

// jobCredential returns the token of the CI job if it is for the place's host.
func (w World) jobCredential(place Place, known knownForge) credential {
	if known.jobToken == "" || place.forgeHost() == "" || hostIn(w.Getenv(known.jobHost)) != place.forgeHost() {
		return credential{}
	}
	secret := w.secret(known.jobToken)
	w.tell("", secret)
	return credential{secret: secret, source: known.jobToken}
}

// isJobToken reports whether a secret is the token of a CI job, whatever variable it was
// taken from. GitLab takes it only with the user name [jobUser].
func (w World) isJobToken(known knownForge, secret string) bool {
	return known.jobToken != "" && secret != "" && (secret == w.secret(known.jobToken) || strings.HasPrefix(secret, "glcbt-"))
}

// jobUser is the user name that GitLab wants with a job's token.
const jobUser = "gitlab-ci-token"

// unusedToken says which token is set and is not used because it is another forge's;
// "" when there is none.
func (w World) unusedToken() string {
	for _, known := range forges {
		if name, _ := w.firstSecret(known.tokens...); name != "" {
			return "; " + name + " is sent to its own forge only"
		}
	}
	return ""
}

// withheld says why TAGBUMP_TOKEN is not meant for the place's host; it is zero when
// the token is.
func (w World) withheld(place Place) credential {
	host, meant := place.address.Host, hostIn(w.Getenv(tokenHostVariable))
	_, known := w.forgeAt(place.forgeHost())
	switch {
	case meant != "" && meant != host:
		return credential{
			source: fmt.Sprintf("%s is for %s, by %s, and not sent to %s", tokenVariable, meant, tokenHostVariable, host),
			hint:   fmt.Sprintf("unset %s, or set it to %s", tokenHostVariable, host),
		}
	case meant == "" && place.byProject && !known:
		return credential{
			source: fmt.Sprintf("%s is not sent to %s, which only the project file names", tokenVariable, host),
			hint:   fmt.Sprintf("give --repo URL, or set %s=%s", tokenHostVariable, host),
		}
	}
	return credential{}
}

// tell makes a secret known to whoever masks the output.
func (w World) tell(username, secret string) {
	if w.Secret != nil && secret != "" {
		w.Secret(username, secret)
	}
}

func orList(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " or " + names[len(names)-1]
}

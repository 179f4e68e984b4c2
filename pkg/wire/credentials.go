package wire

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/forge"
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
// for that forge's hosts only.
func (w World) credentialFor(place Place, forgeTokens []string) credential {
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

// explainedForge adds to a refusal which token was refused.
type explainedForge struct {
	bump.Forge
	credential credential
}

func (f explainedForge) Find(ctx context.Context, head, base string) (forge.PullRequest, bool, error) {
	pr, found, err := f.Forge.Find(ctx, head, base)
	return pr, found, f.explain(err)
}

func (f explainedForge) Propose(ctx context.Context, p forge.Proposal) (forge.PullRequest, error) {
	pr, err := f.Forge.Propose(ctx, p)
	return pr, f.explain(err)
}

func (f explainedForge) explain(err error) error {
	if errors.Is(err, forge.ErrAuth) || errors.Is(err, forge.ErrNotFound) {
		return fmt.Errorf("%w (with the token in %s)", err, f.credential.source)
	}
	return err
}

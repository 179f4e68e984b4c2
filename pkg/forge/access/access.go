// Package access asks a forge what a token may do with a repository and a branch,
// without trying it.
//
// Each forge says it in its own words: GitHub and Gitea name the permission to push,
// GitLab has levels. What a forge does not tell is unknown, and not a refusal.
package access

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/internal/rest"
)

// An Answer is yes, no, or not known.
type Answer int

// The answers; the zero value is that of a forge that does not tell.
const (
	Unknown Answer = iota
	Yes
	No
)

// Rights are what a token may do.
type Rights struct {
	Push      Answer // to the repository
	Protected Answer // the branch has rules of its own
	PushTo    Answer // to the branch in spite of them
}

// Options say whom to ask.
type Options struct {
	APIURL     string // root of the API
	Token      string
	Repository string // "acme/charts", in GitLab with all groups
	UserAgent  string
	Transport  http.RoundTripper
	Log        func(format string, args ...any)
}

// A Forge is a way to ask.
type Forge func(ctx context.Context, options Options, branch string) (Rights, error)

// GitHub asks GitHub's API.
func GitHub(ctx context.Context, o Options, branch string) (Rights, error) {
	client, err := o.client("Authorization", "Bearer "+o.Token)
	if err != nil {
		return Rights{}, err
	}
	var repo struct{ Permissions *struct{ Push bool } }
	if err := o.get(ctx, client, "/repos/"+o.Repository, &repo); err != nil {
		return Rights{}, err
	}
	var rights Rights
	if repo.Permissions != nil {
		rights.Push = answer(repo.Permissions.Push)
	}
	var at struct{ Protected bool }
	err = o.get(ctx, client, "/repos/"+o.Repository+"/branches/"+url.PathEscape(branch), &at)
	rights.Protected = answer(at.Protected)
	return rights, err
}

// Gitea asks the API of Gitea and Forgejo.
func Gitea(ctx context.Context, o Options, branch string) (Rights, error) {
	client, err := o.client("Authorization", "token "+o.Token)
	if err != nil {
		return Rights{}, err
	}
	var repo struct{ Permissions struct{ Push bool } }
	if err := o.get(ctx, client, "/repos/"+o.Repository, &repo); err != nil {
		return Rights{}, err
	}
	var at struct {
		Protected bool
		MayPush   bool `json:"user_can_push"`
	}
	err = o.get(ctx, client, "/repos/"+o.Repository+"/branches/"+url.PathEscape(branch), &at)
	return Rights{Push: answer(repo.Permissions.Push), Protected: answer(at.Protected), PushTo: answer(at.MayPush)}, err
}

// developer is the lowest of GitLab's levels that may push.
const developer = 30

// GitLab asks GitLab's API.
func GitLab(ctx context.Context, o Options, branch string) (Rights, error) {
	client, err := o.client("PRIVATE-TOKEN", o.Token)
	if err != nil {
		return Rights{}, err
	}
	project := "/projects/" + url.PathEscape(o.Repository)
	var repo struct {
		Permissions map[string]*struct {
			Level int `json:"access_level"`
		}
	}
	if err := o.get(ctx, client, project, &repo); err != nil {
		return Rights{}, err
	}
	level := 0
	for _, one := range repo.Permissions {
		if one != nil {
			level = max(level, one.Level)
		}
	}
	var at struct {
		Protected bool
		MayPush   bool `json:"can_push"`
	}
	err = o.get(ctx, client, project+"/repository/branches/"+url.PathEscape(branch), &at)
	return Rights{Push: answer(level >= developer), Protected: answer(at.Protected), PushTo: answer(at.MayPush)}, err
}

func (o Options) client(header, value string) (*rest.Client, error) {
	return rest.New(rest.Options{
		APIURL: o.APIURL, Header: http.Header{http.CanonicalHeaderKey(header): {value}}, Secrets: []string{o.Token},
		UserAgent: o.UserAgent, Transport: o.Transport, Log: o.Log,
	})
}

func (o Options) get(ctx context.Context, client *rest.Client, path string, into any) error {
	err := client.Do(ctx, rest.Request{Where: o.Repository, Method: http.MethodGet, Path: path}, into)
	if err != nil {
		return fmt.Errorf("asking for the token's rights: %w", err)
	}
	return nil
}

func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

// Err returns why a push to the branch would be refused, or nil.
func (r Rights) Err(branch string) error {
	switch {
	case r.Push == No:
		return fmt.Errorf("the token may not push: %w", forge.ErrAuth)
	case r.PushTo == No:
		return fmt.Errorf("%s is protected against the token's pushes: %w", branch, forge.ErrAuth)
	}
	return nil
}

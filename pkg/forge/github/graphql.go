package github

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tagbump/tagbump/pkg/forge"
)

// graphQL returns a call of the GraphQL API that decodes the answer's data into
// into, unless that is nil.
func (c *Client) graphQL(document string, variables map[string]any, into any) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := c.api.NewRequest(http.MethodPost, c.graphQLPath(), map[string]any{"query": document, "variables": variables})
		if err != nil {
			return err
		}
		var answer struct {
			Data   json.RawMessage
			Errors graphQLErrors
		}
		if _, err := c.api.Do(ctx, req, &answer); err != nil {
			return err
		}
		switch {
		case len(answer.Errors) > 0:
			return answer.Errors
		case into == nil:
			return nil
		}
		return json.Unmarshal(answer.Data, into)
	}
}

// graphQLPath is relative to the root of the REST API: GitHub Enterprise Server has
// /api/graphql beside /api/v3.
func (c *Client) graphQLPath() string {
	if strings.HasSuffix(c.api.BaseURL.Path, "/v3/") {
		return "../graphql"
	}
	return "graphql"
}

// graphQLErrors come with the status 200.
type graphQLErrors []struct {
	Type    string
	Message string
}

func (e graphQLErrors) Error() string {
	texts := make([]string, len(e))
	for i, problem := range e {
		texts[i] = oneLine(problem.Message)
	}
	return strings.Join(texts, "; ")
}

func (e graphQLErrors) has(kind string) bool {
	for _, problem := range e {
		if problem.Type == kind {
			return true
		}
	}
	return false
}

// explainGraphQL turns GraphQL's errors into a failure.
func explainGraphQL(problems graphQLErrors) *failure {
	f := &failure{why: problems.Error(), kind: forge.ErrInvalid}
	switch {
	case problems.has("RATE_LIMITED"), problems.has("RATE_LIMIT"):
		f.kind, f.status, f.why = forge.ErrUnavailable, http.StatusTooManyRequests, limitText(0, f.why)
	case problems.has("STALE_DATA"), strings.Contains(f.why, "A ref named "):
		f.kind = forge.ErrMoved
	case strings.Contains(f.why, "rotected branch update failed"), strings.Contains(f.why, "rule violations"):
		f.kind, f.hint = forge.ErrRefused, "propose the change: --pr"
	case problems.has("NOT_FOUND"):
		f.kind, f.hint = forge.ErrNotFound, hiddenHint
	case problems.has("FORBIDDEN"), problems.has("INSUFFICIENT_SCOPES"):
		f.kind, f.hint = forge.ErrAuth, permissionHint(http.Header{})
	case strings.Contains(f.why, "Something went wrong while executing your query"):
		f.kind, f.ambiguous = forge.ErrUnavailable, true
	case strings.Contains(f.why, "Auto merge is not allowed"):
		f.hint = "switch \"Allow auto-merge\" on in the repository's settings; the pull request is open"
	case strings.Contains(f.why, "Protected branch rules not configured"):
		f.hint = "GitHub merges by itself only into a branch with rules; the pull request is open"
	}
	return f
}

// A jsonValue is a part of an answer that is decoded later; nil when the answer does not have it.
type jsonValue json.RawMessage

// UnmarshalJSON keeps data.
func (v *jsonValue) UnmarshalJSON(data []byte) error {
	*v = append((*v)[:0], data...)
	return nil
}

func (v jsonValue) into(target any) error {
	if len(v) == 0 {
		return nil
	}
	return json.Unmarshal(v, target)
}

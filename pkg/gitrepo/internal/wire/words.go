package wire

import (
	"strings"
)

// A verdict is what a server's own words say about a request that it did not serve.
// Servers have no codes for this, neither over ssh nor in a report of a push, so their
// words are all there is to go by. The words are those of GitHub, GitLab, Gitea,
// Bitbucket, Azure DevOps, gitolite, soft-serve and git itself.
type verdict int

const (
	noVerdict     verdict = iota
	saysNoGit             // git is not installed there
	saysArchived          // the repository takes no pushes from anybody
	saysNotFound          // no such repository, or the user may not know of it
	saysDenied            // the user may not do this
	saysTransient         // the server may do it in a moment
)

// verdicts are looked through in this order: "could not be found or you don't have
// permission" is about a missing repository.
var verdicts = []struct {
	verdict verdict
	words   []string
}{
	{saysNoGit, []string{"command not found", "upload-pack: not found", "receive-pack: not found", "no such file or directory: git"}},
	{saysArchived, []string{"archived"}},
	{saysNotFound, []string{
		"not found", "not be found", "cannot find", "can't find", "could not find", "does not exist", "doesn't exist",
		"not appear to be a git repository", "not a git repository", "no such", "invalid repo", "unknown repo",
	}},
	{saysDenied, []string{
		"denied", "authoriz", "authoris", "authenticat", "permission", "access", "not allowed", "read only", "read-only", "readonly",
		"forbidden", "deploy key", "disabled", "suspended", "account is", "credential", "may not",
	}},
	{saysTransient, []string{
		"temporar", "try again", "timed out", "timeout", "too many", "overload", "internal error", "internal server error",
		"unavailable", "connection reset", "maintenance", "rate limit", "busy",
	}},
}

func judge(text string) verdict {
	text = strings.ToLower(text)
	for _, v := range verdicts {
		for _, word := range v.words {
			if strings.Contains(text, word) {
				return v.verdict
			}
		}
	}
	return noVerdict
}

// MeansDenied reports whether a server's words say that the user may not do this.
func MeansDenied(text string) bool { return judge(text) == saysDenied }

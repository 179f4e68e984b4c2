package suggest_test

import (
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/suggest"
)

func TestNearest(t *testing.T) {
	known := []string{"TAGBUMP_REPO", "TAGBUMP_ENV", "TAGBUMP_ON_STALE", "TAGBUMP_TOKEN"}
	for word, want := range map[string]string{
		"TAGBUMP_REOP":     "TAGBUMP_REPO",
		"TAGBUMP_REP":      "TAGBUMP_REPO",
		"tagbump_env":      "TAGBUMP_ENV",
		"TAGBUMP_ONSTALE":  "TAGBUMP_ON_STALE",
		"TAGBUMP_TOKENS":   "TAGBUMP_TOKEN",
		"TAGBUMP_REGISTRY": "",
		"":                 "",
	} {
		if got := suggest.Nearest(word, known); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
	if got := suggest.Nearest("ab", []string{"xy"}); got != "" {
		t.Errorf("half of the letters differ: %q", got)
	}
}

func TestList(t *testing.T) {
	words := []string{"a", "b", "c", "d", "e"}
	for _, test := range []struct {
		words []string
		want  string
	}{{nil, ""}, {words[:1], "a"}, {words[:2], "a and b"}, {words[:3], "a, b and c"}, {words, "a, b, c and 2 more"}} {
		if got := suggest.List(test.words, 3); got != test.want {
			t.Errorf("%q: %q, want %q", test.words, got, test.want)
		}
	}
	if words[3] != "d" {
		t.Error("the words that were given have changed")
	}
}

func TestSentence(t *testing.T) {
	for _, test := range []struct {
		word  string
		known []string
		want  string
	}{
		{"repo", []string{"branch", "repository"}, `did you mean "repository"?`},
		{"foobar", []string{"branch", "images", "repository"}, "known are branch, images and repository"},
		{"foobar", []string{"branch", "images"}, "known are branch and images"},
		{"foobar", []string{"branch"}, "only branch is known"},
	} {
		if got := suggest.Sentence(test.word, test.known); got != test.want {
			t.Errorf("%q of %q: %s, want %s", test.word, test.known, got, test.want)
		}
	}
}

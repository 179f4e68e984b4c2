package policy

import "testing"

func TestPrefixIsWhatEveryMatchBeginsWith(t *testing.T) {
	for match, want := range map[string]string{
		"":                           "",
		`^master-(?P<stamp>\d{12})$`: "master-",
		`^v1\.2\.`:                   "v1.2.",
		`master-`:                    "",
		`^(?i)master-`:               "",
		`(?m)^master-`:               "",
		`^master-|dev-`:              "",
		`^master-|^main-`:            "",
		`^(?:main|master)-`:          "ma",
		`^(master-)\d+`:              "",
		`^ab*`:                       "a",
		`^a?b`:                       "",
		`^[v]1`:                      "v1",
		`^$`:                         "",
	} {
		if got := literalPrefix(match); got != want {
			t.Errorf("%s: %q, want %q", match, got, want)
		}
	}
}

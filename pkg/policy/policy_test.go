package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
)

const stamp = `^master-(?P<stamp>\d{12})$`

func newPolicy(t *testing.T, rule Rule) *Policy {
	t.Helper()
	p, err := New(rule)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func tagsOf(candidates []Candidate) string {
	var tags []string
	for _, c := range candidates {
		tags = append(tags, c.Tag)
	}
	return strings.Join(tags, " ")
}

// Each row lists all candidates, the best one first, in whatever order the
// registry lists them. A bar divides the undecided from the rest.
func TestCandidatesInTheirOrder(t *testing.T) {
	signature := "sha256-" + strings.Repeat("e", 64)
	for _, test := range []struct {
		name string
		rule Rule
		tags string
		want string
	}{
		{"no tags", Rule{}, "", "|"},
		{"releases without a rule", Rule{}, "1.2.0 v1.10.0 1.11.0-rc1 latest", "v1.10.0 | 1.2.0"},
		{"a tag listed twice", Rule{Match: "^v"}, "v1.0.0 1.5.0 v1.2.0 v1.0.0", "v1.2.0 | v1.0.0"},
		{"range", Rule{Semver: ">=1.2 <2"}, "1.1.9 1.2.0 1.9.3 2.0.0", "1.9.3 | 1.2.0"},
		{"a strict range ends before its pre-releases", Rule{Semver: "<2"}, "1.9.9 2.0.0-rc1 2.0.0", "1.9.9 |"},
		{"range with pre-releases, whose texts compare naturally", Rule{Semver: ">=1.0.0-0"}, "1.0.0 1.1.0-rc2 1.1.0-rc10 1.1.0-rc.3 1.1.0-rc.12", "1.1.0-rc10 | 1.1.0-rc2 1.1.0-rc.12 1.1.0-rc.3 1.0.0"},
		{"revisions of packages", Rule{Semver: ">=3-0"}, "3.19.1-r9 3.19.1-r10 3.19.1-debian-12-r9 3.19.1-r8", "3.19.1-r10 | 3.19.1-r9 3.19.1-r8 3.19.1-debian-12-r9"},
		{"digits alone are no version", Rule{}, "1.2.0 v1.10.0 20240615 7654321 202406151230 2024-06-15 v20240615", "v1.10.0 | 1.2.0"},
		{"the words of an alias are no version", Rule{}, "latest stable v2x v1 v", "v1 |"},
		{"artifacts never", Rule{Order: Alphabetical}, "a " + signature + ".sig " + signature + " " + signature + ".att", "a |"},
		{"an empty key", Rule{Match: `^x(\d*)$`, Extract: "$1", Order: Natural}, "x x1", "x1 |"},
		{"numerical by a named group", Rule{Match: stamp, Extract: "$stamp", Order: Numerical}, "master-202406151230 dev-202506151230 master-202406160001", "master-202406160001 | master-202406151230"},
		{"17 digits do not tie", Rule{Order: Numerical}, "20240615123045678 20240615123045679 20240615123045677", "20240615123045679 | 20240615123045678 20240615123045677"},
		{"numbers beside words", Rule{Order: Numerical}, "inf 99 latest 100 0x7f 1e9 -3", "100 | 99"},
		{"decimals are fractions", Rule{Order: Numerical}, "1.9 1.10 1.85", "1.9 | 1.85 1.10"},
		{"decimals of one value", Rule{Order: Numerical}, "1.50 1.5 1.4", "1.50 | 1.5 1.4"},
		{"decimals of one value under two names", Rule{Match: `[\d.]+$`, Extract: "$0", Order: Numerical}, "a-1.50 b-1.5 a-1.4", "b-1.5 a-1.50 | a-1.4"},
		{"alphabetical", Rule{Order: Alphabetical}, "rc9 rc10 rc1 RC99", "rc9 | rc10 rc1 RC99"},
		{"natural", Rule{Order: Natural}, "rc9 rc10 rc1 rc", "rc10 | rc9 rc1 rc"},
		{"natural with many runs", Rule{Order: Natural}, "b2-r10 b2-r9 b10-r1 b2", "b10-r1 | b2-r10 b2-r9 b2"},
		{"natural: digits before letters", Rule{Order: Natural}, "a-1 a-b a-10", "a-b | a-10 a-1"},
		{"calver", Rule{Order: Calver}, "2024.6.15 2024.10.1 24.04 20240931 latest", "2024.10.1 | 20240931 2024.6.15 24.04"},
		{"calver with a counter", Rule{Order: Calver}, "2024.06.15 2024.06.15-2 2024.06.15-10", "2024.06.15-10 | 2024.06.15-2 2024.06.15"},
		{"calver with impossible months and days", Rule{Order: Calver}, "20241331 20240699 20240631", "20240631 |"},
		{"calver to the second", Rule{Order: Calver}, "20240615123045 202406151230 20240615", "20240615123045 | 202406151230 20240615"},
		{"two groups as a version", Rule{Match: `^r(\d+)-(\d+)$`, Extract: "$1.$2", Order: Semver}, "r1-9 r1-10", "r1-10 | r1-9"},

		// Ties.
		{"the fuller of equal versions", Rule{}, "1.20 1.20.0 v1.20.0.0 v1", "v1.20.0.0 | 1.20.0 1.20 v1"},
		{"the fuller one, with or without a v", Rule{}, "v1.20 1.20.0", "1.20.0 | v1.20"},
		{"build metadata counts up", Rule{}, "2.7.1_k9 2.7.1_k10 2.7.1_k8 2.7.0_k99", "2.7.1_k10 | 2.7.1_k9 2.7.1_k8 2.7.0_k99"},
		{"build metadata in words", Rule{}, "2.7.1_slim 2.7.1_full 2.7.0_zz", "2.7.1_slim 2.7.1_full | 2.7.0_zz"},
		{"build metadata of two kinds", Rule{}, "2.7.1_k9 2.7.1_k10 2.7.1_x3 2.7.1_x2", "2.7.1_x3 2.7.1_k10 | 2.7.1_x2 2.7.1_k9"},
		{"a leading v", Rule{}, "v3.4.5 3.4.5 v3.4.4", "v3.4.5 3.4.5 | v3.4.4"},
		{"leading zeros only", Rule{Order: Natural}, "rc09 rc9 rc8", "rc9 rc09 | rc8"},
		{"two dates of one day", Rule{Order: Calver}, "2024.06.15 2024-06-15 2024_06_15", "2024_06_15 2024.06.15 2024-06-15 |"},
		{"one extracted key", Rule{Match: `-(\d+)$`, Extract: "$1", Order: Numerical}, "main-7 dev-7 dev-6", "main-7 dev-7 | dev-6"},

		// Versions that a strict parser refuses.
		{"a commit with a leading zero", Rule{Semver: ">=3.1.0-0"}, "3.1.0-7.fe12ab9 3.1.0-11.0098712", "3.1.0-11.0098712 | 3.1.0-7.fe12ab9"},
		{"a date in the pre-release", Rule{Semver: ">=4-0"}, "4.0.0-2025.09.30 4.0.0-2025.10.01", "4.0.0-2025.10.01 | 4.0.0-2025.09.30"},
		{"four numbers", Rule{}, "10.0.20348.9 10.0.20348.1906 10.0.17763.5936", "10.0.20348.1906 | 10.0.20348.9 10.0.17763.5936"},
		{"five numbers", Rule{}, "1.2.3.4.5 1.2.3.4.10 1.2.3.4", "1.2.3.4.10 | 1.2.3.4.5 1.2.3.4"},
		{"four numbers in a range", Rule{Semver: "<=10.0.20348"}, "10.0.20348.9 10.0.26100.1", "10.0.20348.9 |"},
		{"numbers of 20 digits", Rule{}, "1.0.20240615123045678901 1.0.20240615123045678900 1.0.9", "1.0.20240615123045678901 | 1.0.20240615123045678900 1.0.9"},
		{"a date as a version", Rule{}, "2024.06.15 2024.6.9 2024.10.01", "2024.10.01 | 2024.06.15 2024.6.9"},
		{"a date with a time", Rule{Semver: ">=0-0"}, "2024.06.15-0930 2024.06.15-1200", "2024.06.15-1200 | 2024.06.15-0930"},
		{"numbers before texts in a pre-release", Rule{Semver: ">=0-0"}, "1.0.0-9 1.0.0-a 1.0.0-a.1 1.0.0-10 1.0.0", "1.0.0 | 1.0.0-a.1 1.0.0-a 1.0.0-10 1.0.0-9"},
		{"a dash at the end is no pre-release", Rule{Semver: ">=0-0"}, "1.0.1- 1.0.0", "1.0.0 |"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(t, test.rule)
			tags := strings.Fields(test.tags)
			for range max(len(tags), 1) {
				if len(tags) > 0 {
					tags = append(tags[1:], tags[0])
				}
				candidates := p.Candidates(tags)
				undecided := p.Undecided(candidates)
				rest := slices.DeleteFunc(slices.Clone(candidates), func(c Candidate) bool { return slices.Contains(undecided, c) })
				got := strings.TrimSpace(tagsOf(undecided) + " | " + tagsOf(rest))
				if got != test.want {
					t.Fatalf("%q:\ngot  %s\nwant %s", tags, got, test.want)
				}
				if len(candidates) > 0 && candidates[0].Tag != undecided[0].Tag {
					t.Fatalf("the first candidate is %s", candidates[0].Tag)
				}
			}
		})
	}
}

func TestWhatIsWrongWithARule(t *testing.T) {
	for _, test := range []struct {
		rule Rule
		want []string
	}{
		{Rule{}, nil},
		{Rule{Match: stamp, Extract: "v$1-$stamp-${0}-$$", Order: Natural}, nil},
		{Rule{Match: "("}, []string{`match: "(": missing closing )`}},
		{Rule{Match: "^a[z-a]$"}, []string{`match: "^a[z-a]$": invalid character class range: "z-a"`}},
		{Rule{Match: "a{2000}"}, []string{`match: "a{2000}": invalid repeat count: "{2000}"`}},
		{Rule{Order: "x"}, []string{`order: "x" is not one of semver, numerical, alphabetical, natural, calver, newest`}},
		{Rule{Semver: "latest"}, []string{`semver: "latest" is not a range of versions, such as ">=1.2 <2" or "1.x"`}},
		{Rule{Semver: ">=2", Order: Numerical}, []string{`semver: ">=2" goes with order semver only, and order is numerical`}},
		{Rule{Extract: "$1"}, []string{`extract: "$1" needs match, whose groups it names`}},
		{Rule{Match: stamp, Extract: "$tsx"}, []string{`extract: "$tsx": match has no group "tsx", only $0, $1, $stamp`}},
		{Rule{Match: stamp, Extract: "$1x"}, []string{`extract: "$1x": match has no group "1x", only $0, $1, $stamp`}},
		{Rule{Match: stamp, Extract: "$2"}, []string{`extract: "$2": match has no group "2", only $0, $1, $stamp`}},
		{Rule{Match: stamp, Extract: "x"}, []string{`extract: "x" names no group of match, so every tag would be equal`}},
		{Rule{Match: stamp, Extract: "$$"}, []string{`extract: "$$" names no group of match, so every tag would be equal`}},
		{Rule{Match: stamp, Extract: "$stamp $"}, []string{`extract: "$stamp $": a dollar sign without a group (write $$ for the sign itself)`}},
		{Rule{Match: "(", Extract: "$1", Semver: "?"}, []string{`match: "(": missing closing )`, `semver: "?" is not a range of versions, such as ">=1.2 <2" or "1.x"`}},
		{Rule{Match: stamp, Extract: "$2", Order: "newst"}, []string{
			`extract: "$2": match has no group "2", only $0, $1, $stamp`,
			`order: "newst" is not one of semver, numerical, alphabetical, natural, calver, newest`,
		}},
	} {
		var got []string
		for _, problem := range test.rule.Check() {
			got = append(got, problem.Error())
			if field, _, _ := strings.Cut(problem.Error(), ":"); field != problem.Field || fault.KindOf(problem) != fault.Usage {
				t.Errorf("%v: field %q, kind %v", problem, problem.Field, fault.KindOf(problem))
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("Check of %+v:\ngot  %q\nwant %q", test.rule, got, test.want)
		}
		_, err := New(test.rule)
		if (err == nil) != (test.want == nil) || err != nil && err.Error() != test.want[0] {
			t.Errorf("New(%+v): %v; want the first of %q", test.rule, err, test.want)
		}
	}
}

func TestPolicyDescribesItself(t *testing.T) {
	for want, rule := range map[string]Rule{
		"order semver":                            {},
		`semver ">=2"`:                            {Semver: ">=2"},
		`match "^v", order natural`:               {Match: "^v", Order: Natural},
		`match "^v", semver "1.x"`:                {Match: "^v", Semver: "1.x"},
		`match "(a)", extract "$1", order newest`: {Match: "(a)", Extract: "$1", Order: Newest},
	} {
		if got := newPolicy(t, rule).String(); got != want {
			t.Errorf("String() = %s, want %s", got, want)
		}
	}
}

func TestOrdersAreAllKnown(t *testing.T) {
	for _, name := range Orders() {
		if p := newPolicy(t, Rule{Order: name}); p.NeedsTimes() != (name == Newest) {
			t.Errorf("%s: needs times: %v", name, p.NeedsTimes())
		}
	}
	if len(Orders()) != len(orders) {
		t.Errorf("%d names, %d orders", len(Orders()), len(orders))
	}
}

func TestCompareOnlyWhatTheNamesDecide(t *testing.T) {
	stamps := Rule{Match: stamp, Extract: "${stamp}", Order: Numerical}
	for _, test := range []struct {
		rule  Rule
		a, b  string
		order int
		ok    bool
	}{
		{stamps, "master-202406151230", "master-202406160001", -1, true},
		{stamps, "master-202406160001", "master-202406151230", 1, true},
		{stamps, "master-202406151230", "master-202406151230", 0, true},
		{stamps, "master-202406151230", "dev", 0, false},
		{stamps, "dev", "master-202406151230", 0, false},
		{Rule{Order: Newest}, "a1", "a2", 0, false},
		{Rule{Order: Newest}, "a1", "a1", 0, false},
		{Rule{}, "1.28.4_k3s9", "1.28.4_k3s10", -1, true},
		{Rule{}, "1.28.4_k3s10", "1.28.4_k3s9", 1, true},
		{Rule{}, "1.28.4_a", "1.28.4_b", 0, false},
		{Rule{}, "1.28.4_a1", "1.28.4_b2", 0, false},
		{Rule{}, "1.28.4", "v1.28.4", 0, false},
		{Rule{}, "1.28", "1.28.0", 0, false},
		{Rule{}, "1.28.0", "1.28.1", -1, true},
		{Rule{Semver: ">=2"}, "1.0.0", "2.0.0", 0, false},
		{Rule{Order: Natural}, "rc09", "rc9", 0, false},
		{Rule{Order: Alphabetical}, "b", "a", 1, true},
	} {
		p := newPolicy(t, test.rule)
		if order, ok := p.Compare(test.a, test.b); order != test.order || ok != test.ok {
			t.Errorf("%s: Compare(%s, %s) = %d, %v; want %d, %v", p, test.a, test.b, order, ok, test.order, test.ok)
		}
	}
}

func TestCompareVersionsWithoutAPolicy(t *testing.T) {
	for _, test := range []struct {
		a, b  string
		order int
		ok    bool
	}{
		{"1.9.0", "1.10.0", -1, true},
		{"v2.0", "1.99.99", 1, true},
		{"1.9.0", "1.10.0-alpine", -1, true},
		{"1.10.0-alpine3.19", "1.9.0-alpine3.20", 1, true},
		{"10.0.20348.9", "10.0.20348.1906", -1, true},
		{"2.0.0-rc1", "2.0.0", -1, true},
		{"2.0.0", "2.0.0-beta.2", 1, true},
		{"2.0.0-beta.2", "2.0.0-rc.1", -1, true},
		{"2.0.0-rc.9", "2.0.0-rc.10", -1, true},
		{"2.0.0-SNAPSHOT", "2.0.0", -1, true},
		{"1.2.3-r4", "1.2.3-r12", -1, true},
		{"1.2.3_9", "1.2.3_10", -1, true},
		{"1.2.3", "1.2.3", 0, true},
		{"1.2.3", "1.2.3-alpine", 0, false},
		{"1.2.3-slim", "1.2.3-alpine", 0, false},
		{"1.2.3-rc1", "1.2.3-alpine", 0, false},
		{"1.2.3-precise", "1.2.3", 0, false},
		{"1.2", "1.2.0", 0, false},
		{"v1", "v2", 0, false},
		{"1.2.3", "latest", 0, false},
		{"main", "1.2.3", 0, false},
		{"20240615", "20240616", 0, false},
	} {
		if order, ok := CompareVersions(test.a, test.b); order != test.order || ok != test.ok {
			t.Errorf("CompareVersions(%s, %s) = %d, %v; want %d, %v", test.a, test.b, order, ok, test.order, test.ok)
		}
		if order, ok := CompareVersions(test.b, test.a); order != -test.order || ok != test.ok {
			t.Errorf("CompareVersions(%s, %s) = %d, %v; want %d, %v", test.b, test.a, order, ok, -test.order, test.ok)
		}
	}
}

func TestNoMatchHasAHint(t *testing.T) {
	for _, test := range []struct {
		rule Rule
		tags string
		want string
		hint string
	}{
		{Rule{}, "1.0.0-rc1 main", "order semver: no tag matches (2 tags)", `there are pre-releases, such as 1.0.0-rc1; a range with -0 includes them, such as ">=0.0.0-0"`},
		{Rule{Match: stamp, Order: Numerical}, "dev master-202406151230", `match "^master-(?P<stamp>\d{12})$", order numerical: no tag matches (2 tags)`, "master-202406151230 is not a number; extract can name the part to compare, such as $1"},
		{Rule{}, "20240615", "order semver: no tag matches (1 tag)", "20240615 is not a semantic version; the orders are semver, numerical, alphabetical, natural, calver, newest"},
		{Rule{Order: Calver}, "1 2", "order calver: no tag matches (2 tags)", "1 is not a calendar version; the orders are semver, numerical, alphabetical, natural, calver, newest"},
		{Rule{Match: "^x"}, "y z", `match "^x", order semver: no tag matches (2 tags)`, "a tag that does not match: y"},
		{Rule{Semver: ">=2"}, "1.0.0", `semver ">=2": no tag matches (1 tag)`, ""},
		{Rule{}, "", "order semver: no tag matches (0 tags)", ""},
	} {
		err := newPolicy(t, test.rule).NoMatch(strings.Fields(test.tags))
		if err.Error() != test.want || fault.HintOf(err) != test.hint || !errors.Is(err, ErrNoMatch) || fault.KindOf(err) != fault.NotFound {
			t.Errorf("%v, hint %q; want %s, hint %q", err, fault.HintOf(err), test.want, test.hint)
		}
	}
}

func TestDropsHaveReasons(t *testing.T) {
	signature := "sha256-" + strings.Repeat("0", 64) + ".sig"
	for _, test := range []struct {
		rule Rule
		tags string
		want []Drop
	}{
		{Rule{Semver: "^1.2"}, "1.2.3 1.1.0 1.3.0-rc1 main " + signature, []Drop{
			{"1.1.0", "outside the range"},
			{"1.3.0-rc1", "a pre-release outside the range"},
			{"main", "not a semantic version"},
			{signature, "an artifact of another image"},
		}},
		{Rule{Match: `^b(\d*)`, Extract: "$1", Order: Numerical}, "b1 b x", []Drop{{"b", "extract makes an empty key of it"}, {"x", "does not match"}}},
		{Rule{Order: Numerical}, "1 2a", []Drop{{"2a", "not a number"}}},
		{Rule{Order: Calver}, "24.04 main", []Drop{{"main", "not a calendar version"}}},
		{Rule{Order: Natural}, "24.04 main", nil},
	} {
		p := newPolicy(t, test.rule)
		if got := p.Drops(strings.Fields(test.tags)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", p, got, test.want)
		}
	}
	var many []string
	for _, c := range "abcdefgh" {
		many = append(many, string(c))
	}
	var noMatch *NoMatchError
	if err := newPolicy(t, Rule{}).NoMatch(many); !errors.As(err, &noMatch) || len(noMatch.Drops) != 5 || noMatch.Tags != 8 {
		t.Errorf("%d drops of %d tags are kept, want 5 of 8", len(noMatch.Drops), noMatch.Tags)
	}
}

func TestATagThatLooksNewerIsNamed(t *testing.T) {
	for _, test := range []struct {
		rule   Rule
		tags   string
		chosen string
		want   string
	}{
		{Rule{}, "1.2.9 1.3.0rc1 1.2.9.RELEASE 1.2.10.RELEASE 1.2.8b main 7654321abc", "1.2.9", "1.3.0rc1 1.2.10.RELEASE"},
		{Rule{}, "v2.0.0 v2.1.0beta", "v2.0.0", "v2.1.0beta"},
		{Rule{}, "1.2.9 1.3.0-rc1", "1.2.9", ""}, // read, and left out by the range
		{Rule{Match: `^\d+\.\d+\.\d+$`}, "1.2.9 1.3.0rc1", "1.2.9", ""},
		{Rule{Order: Calver}, "2024.06.15 2024.06.16b 2023.01.01b", "2024.06.15", "2024.06.16b"},
		{Rule{Order: Numerical}, "20240615 20240616-2 12.5-2", "20240615", ""},
		{Rule{Order: Numerical}, "12.5 12.6-2", "12.5", "12.6-2"},
		{Rule{Order: Natural}, "1.2.9 1.3.0rc1", "1.3.0rc1", ""},
	} {
		p := newPolicy(t, test.rule)
		got := strings.Join(p.Overlooked(strings.Fields(test.tags), test.chosen), " ")
		if got != test.want {
			t.Errorf("%s, %s chosen: %q, want %q", p, test.chosen, got, test.want)
		}
	}
}

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
		if got := newPolicy(t, Rule{Match: match}).Prefix(); got != want {
			t.Errorf("%s: %q, want %q", match, got, want)
		}
	}
	if got := literalPrefix("("); got != "" {
		t.Errorf("a broken pattern has the prefix %q", got)
	}
}

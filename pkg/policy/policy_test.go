package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

const stamp = `^master-(?P<stamp>\d{12})$`

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		name string
		rule Rule
		tags string
		want string
	}{
		{"greatest release without a rule", Rule{}, "1.2.0 v1.10.0 1.11.0-rc1 latest", "v1.10.0"},
		{"range", Rule{Semver: ">=1.2 <2"}, "1.1.9 1.2.0 1.9.3 2.0.0", "1.9.3"},
		{"range with pre-releases", Rule{Semver: ">=1.0.0-0"}, "1.0.0 1.1.0-rc2 1.1.0-rc10", "1.1.0-rc2"},
		{"digits alone are no version", Rule{}, "1.2.0 v1.10.0 20240615 7654321 202406151230 2024-06-15 v20240615", "v1.10.0"},
		{"build metadata behind an underscore", Rule{}, "1.2.2 1.2.3_build5", "1.2.3_build5"},
		{"the fuller of equal versions", Rule{}, "1.20 1.20.0 v1", "1.20.0"},
		{"numerical by a named group", Rule{Match: stamp, Extract: "$stamp", Order: Numerical}, "master-202406151230 dev-202506151230 master-202406160001", "master-202406160001"},
		{"17 digits do not tie", Rule{Order: Numerical}, "20240615123045678 20240615123045679 20240615123045677", "20240615123045679"},
		{"numbers beside words", Rule{Order: Numerical}, "inf 99 latest 100 0x7f", "100"},
		{"decimals", Rule{Order: Numerical}, "1.9 1.10 1.85", "1.9"},
		{"alphabetical", Rule{Order: Alphabetical}, "rc9 rc10 rc1", "rc9"},
		{"natural", Rule{Order: Natural}, "rc9 rc10 rc1", "rc10"},
		{"calver", Rule{Order: Calver}, "2024.6.15 2024.10.1 24.04 20240931 latest 2024-06-15", "2024.10.1"},
		{"calver with a counter", Rule{Order: Calver}, "2024.06.15 2024.06.15-2 2024.06.15-10", "2024.06.15-10"},
		{"two groups as a version", Rule{Match: `^r(\d+)-(\d+)$`, Extract: "$1.$2", Order: Semver}, "r1-9 r1-10", "r1-10"},
		{"artefacts never", Rule{Order: Alphabetical}, "a sha256-" + strings.Repeat("e", 64) + ".sig sha256-" + strings.Repeat("e", 64), "a"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p, err := New(test.rule)
			if err != nil {
				t.Fatal(err)
			}
			tags := strings.Fields(test.tags)
			for range tags { // in whatever order they are listed
				tags = append(tags[1:], tags[0])
				if got, err := p.Choose(tags); got != test.want || err != nil {
					t.Fatalf("Choose(%q) = %q, %v; want %q", tags, got, err, test.want)
				}
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	for _, test := range []struct {
		rule Rule
		want string
	}{
		{Rule{Match: "("}, "match: \"(\": error parsing regexp: missing closing ): `(`"},
		{Rule{Order: "x"}, `order: "x" is none of semver, numerical, alphabetical, natural, calver, newest`},
		{Rule{Semver: "latest"}, `semver: "latest" is no range of versions, such as ">=1.2 <2" or "1.x"`},
		{Rule{Semver: ">=2", Order: Numerical}, `semver: ">=2" goes with order semver only, and order is numerical`},
		{Rule{Extract: "$1"}, `extract: "$1" needs match, whose groups it names`},
		{Rule{Match: stamp, Extract: "$tsx"}, `extract: "$tsx": match has no group "tsx", only $0, $1, $stamp`},
		{Rule{Match: stamp, Extract: "$1x"}, `extract: "$1x": match has no group "1x", only $0, $1, $stamp`},
		{Rule{Match: stamp, Extract: "$2"}, `extract: "$2": match has no group "2", only $0, $1, $stamp`},
		{Rule{Match: stamp, Extract: "x"}, `extract: "x" names no group of match, so every tag would be equal`},
		{Rule{Match: stamp, Extract: "$stamp $"}, `extract: "$stamp $": a dollar sign without a group (write $$ for the sign itself)`},
	} {
		if _, err := New(test.rule); err == nil || err.Error() != test.want {
			t.Errorf("New(%+v): %v; want %s", test.rule, err, test.want)
		}
	}
}

func TestNoMatchSaysHowManyTagsThereWere(t *testing.T) {
	p, err := New(Rule{Semver: ">=2"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Choose([]string{"1.0.0", "2.0.0-rc1"})
	if want := `semver ">=2": no tag matches (2 tags)`; !errors.Is(err, ErrNoMatch) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestCompareOnlyWhatThePolicyMatches(t *testing.T) {
	p, err := New(Rule{Match: stamp, Extract: "${stamp}", Order: Numerical})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		a, b  string
		order int
		ok    bool
	}{
		{"master-202406151230", "master-202406160001", -1, true},
		{"master-202406160001", "master-202406151230", 1, true},
		{"master-202406151230", "master-202406151230", 0, true},
		{"master-202406151230", "dev", 0, false},
	} {
		if order, ok := p.Compare(test.a, test.b); order != test.order || ok != test.ok {
			t.Errorf("Compare(%s, %s) = %d, %v", test.a, test.b, order, ok)
		}
	}
}

func TestCandidatesAreSortedAndUnique(t *testing.T) {
	p, err := New(Rule{Match: "^v"})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range p.Candidates([]string{"v1.0.0", "1.5.0", "v1.2.0", "v1.0.0"}) {
		got = append(got, c.Tag)
	}
	if want := []string{"v1.2.0", "v1.0.0"}; !slices.Equal(got, want) {
		t.Errorf("Candidates: %q, want %q", got, want)
	}
}

func TestNewestGoesByTime(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2024, 6, n, 0, 0, 0, 0, time.UTC) }
	p, err := New(Rule{Order: Newest})
	if err != nil {
		t.Fatal(err)
	}
	tags := []string{"a", "b", "c", "d"}
	if tag, err := p.Choose(tags); !errors.Is(err, ErrNoTime) {
		t.Errorf("Choose: %q, %v; want ErrNoTime", tag, err)
	}
	if _, ok := p.Compare("a", "b"); ok {
		t.Error("names were compared")
	}
	for _, test := range []struct {
		name  string
		times map[string]time.Time
		want  string
		err   string
	}{
		{"each its own", map[string]time.Time{"a": day(2), "b": day(4), "c": day(1), "d": day(3)}, "b d a c", ""},
		{"equal ones by name", map[string]time.Time{"a": day(1), "b": day(2), "c": day(2), "d": day(1)}, "c b d a", ""},
		{"one is missing", map[string]time.Time{"a": day(2), "b": day(4), "d": day(3)}, "", "tag c: the time of creation is not known (and for 1 of 4 tags in all)"},
		{"reproducible builds", map[string]time.Time{"a": time.Unix(0, 0), "b": {}, "c": day(1), "d": day(2)}, "", "tag b: the time of creation is not known (and for 2 of 4 tags in all)"},
	} {
		sorted, err := p.Newest(p.Candidates(tags), test.times)
		var got []string
		for _, c := range sorted {
			got = append(got, c.Tag)
		}
		if strings.Join(got, " ") != test.want || test.err != "" && (!errors.Is(err, ErrNoTime) || err.Error() != test.err) {
			t.Errorf("%s: %q, %v; want %q, %s", test.name, got, err, test.want, test.err)
		}
	}
}

func TestNoMatchHasAHint(t *testing.T) {
	for _, test := range []struct {
		rule Rule
		tags string
		want string
	}{
		{Rule{}, "1.0.0-rc1", `there are pre-releases, such as 1.0.0-rc1; a range with -0 takes them in, such as ">=0.0.0-0"`},
		{Rule{Match: stamp, Order: Numerical}, "master-202406151230", "master-202406151230 is not a number; extract can name the part to compare, such as $1"},
		{Rule{}, "20240615", "20240615 is not a semantic version; the orders are semver, numerical, alphabetical, natural, calver, newest"},
		{Rule{Match: "^x"}, "y z", "a tag that does not match: y"},
		{Rule{Semver: ">=2"}, "1.0.0", ""},
	} {
		p, err := New(test.rule)
		if err != nil {
			t.Fatal(err)
		}
		_, err = p.Choose(strings.Fields(test.tags))
		var noMatch *NoMatchError
		if !errors.As(err, &noMatch) || noMatch.Hint() != test.want {
			t.Errorf("%s: %v, hint %q; want %q", p, err, noMatch.Hint(), test.want)
		}
	}
}

package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/Masterminds/semver/v3"
)

// FuzzOrder holds, for every order and any tags, what a choice rests on: that the order
// is one (no circles, and the same in both directions), that it does not depend on the
// order of the list, and that nothing is lost or made up.
func FuzzOrder(f *testing.F) {
	for _, seed := range []string{
		"1.2.0 v1.10.0 20240615 1.11.0-rc1 1.2.3_build5 1.20 1.20.0 v1",
		"1.0.0-rc.2 1.0.0-rc.10 1.0.0-rc.x 1.0.0-1 1.0.0-a-b 1.0.0 1.0.1-0 18446744073709551615.0.0",
		"007 7 7.0 7.00 10 9 20240615123045678 20240615123045679",
		"rc9 rc10 rc09 rc a1b2 a01b2 a1b",
		"2024.06.15 2024-06-15 20240615 24.06.15 24.6 20240615-2 202406151230 2024.06.15.1230",
		"master-202406151230 master-202406160001 latest sha256-" + strings.Repeat("e", 64) + ".sig",
		"", "- _ . .. 0 00 v v0 V0.0 9999999999999999999999.1",
	} {
		f.Add(seed)
	}
	var policies []*Policy
	for _, order := range Orders() {
		p, err := New(Rule{Order: order})
		if err != nil {
			f.Fatal(err)
		}
		policies = append(policies, p)
	}
	all, err := New(Rule{Semver: ">=0-0"})
	if err != nil {
		f.Fatal(err)
	}
	policies = append(policies, all)
	extracting, err := New(Rule{Match: `(?P<n>\d+)`, Extract: "$n", Order: Numerical})
	if err != nil {
		f.Fatal(err)
	}
	policies = append(policies, extracting)
	f.Fuzz(func(t *testing.T, text string) {
		tags := strings.Fields(text)
		if len(tags) > 12 {
			tags = tags[:12]
		}
		for _, p := range policies {
			checkOrder(t, p, tags)
		}
	})
}

// checkSpecification holds that versions which are valid by the specification are
// in its order.
func checkSpecification(t *testing.T, candidates []Candidate) {
	t.Helper()
	var last *semver.Version
	for _, c := range candidates {
		v, err := semver.StrictNewVersion(c.Key)
		if err != nil {
			continue
		}
		if last != nil && v.Compare(last) > 0 {
			t.Fatalf("%s is sorted before %s", last, v)
		}
		last = v
	}
}

func checkOrder(t *testing.T, p *Policy, tags []string) {
	t.Helper()
	candidates := p.Candidates(tags)
	reversed := slices.Clone(tags)
	slices.Reverse(reversed)
	if again := p.Candidates(reversed); !slices.EqualFunc(candidates, again, func(a, b Candidate) bool { return a.Tag == b.Tag }) {
		t.Fatalf("%s: %q: the order of the list counts: %v, then %v", p, tags, candidates, again)
	}
	for i := range candidates {
		for j := range candidates {
			if order := compare(&candidates[i], &candidates[j]); i < j && order < 0 || order != 0 && order > 0 == (compare(&candidates[j], &candidates[i]) > 0) {
				t.Fatalf("%s: %q before %q, but they compare as %d", p, candidates[i].Tag, candidates[j].Tag, order)
			}
		}
	}
	if p.name == Semver {
		checkSpecification(t, candidates)
	}
	unique := slices.Clone(tags)
	slices.Sort(unique)
	unique = slices.Compact(unique)
	if got := len(candidates) + len(p.Drops(unique)); got != len(unique) {
		t.Fatalf("%s: %d candidates and drops of %d tags", p, got, len(unique))
	}
}

package policy

import (
	"slices"
	"strings"
	"testing"
)

// chains has, for each order, tags from the worst to the best. Every pair of a chain
// is compared, in both directions.
var chains = map[string][]string{
	// The example of semver.org (2.0.0, section 11), then what the order reads beyond it.
	Semver: {
		"0.0.0-0",
		"0.0.0-alpha",
		"0.0.0",
		"0.0.1",
		"0.1",
		"0.9.9",
		"1.0.0-1",
		"1.0.0-2",
		"1.0.0-10",
		"1.0.0-alpha",
		"1.0.0-alpha.1",
		"1.0.0-alpha.1.0",
		"1.0.0-alpha.02",
		"1.0.0-alpha.10",
		"1.0.0-alpha.beta",
		"1.0.0-alpha-1",
		"1.0.0-beta",
		"1.0.0-beta.2",
		"1.0.0-beta.11",
		"1.0.0-rc.1",
		"1.0.0",
		"1.0.0.1",
		"1.0.0.2-rc1",
		"1.0.0.2",
		"1.0.0.10",
		"1.0.1-0",
		"1.0.1",
		"1.0.02",
		"1.0.10",
		"1.2",
		"1.10.0",
		"v1.11",
		"V1.12.0",
		"v2",
		"2.0.1-0099999.gabc",
		"2.0.1-0100000.gabc",
		"10.0.0",
		"2024.6.9",
		"2024.06.15",
		"2024.10.1",
		"9999999999.0.0",
		"18446744073709551615.0.0",
		"18446744073709551616.0.0",
		"100000000000000000000000000000.0.0",
	},
	Numerical: {
		"0",
		"0.05",
		"0.5",
		"0.55",
		"1",
		"1.25",
		"1.3",
		"2",
		"007.5",
		"9",
		"10",
		"99",
		"100",
		"20240615",
		"202406151230",
		"20240615123045678",
		"20240615123045679",
		"100000000000000000000000000000",
	},
	Alphabetical: {
		"-",
		"10",
		"9",
		"A",
		"Z",
		"_",
		"a",
		"a-1",
		"a-10",
		"a-2",
		"a.1",
		"aa",
		"b",
	},
	Natural: {
		"-1",
		"0",
		"1",
		"1-a",
		"1a",
		"2",
		"09",
		"10",
		"Z9",
		"a",
		"a-9",
		"a-10",
		"a-10-1",
		"a-10.2",
		"a-10.10",
		"a.9",
		"a9b9",
		"a9b10",
		"a10b1",
		"b",
		"build-00099",
		"build-100",
		"build-99999999999999999999",
		"build-100000000000000000000",
	},
	Calver: {
		"19.12",
		"20.04",
		"20.4.1",
		"20.10",
		"2021.1",
		"2021.02",
		"v2021.3",
		"2021.03.1",
		"2021-03-02",
		"2021_03_10",
		"20210311",
		"20210311-2",
		"20210311-10",
		"20210311.10.1",
		"20210312",
		"202103121159",
		"202103121200",
		"2021-12-31",
		"22.1",
		"2024.06.15",
		"2024.06.15-1",
		"2024.06.15-1.9",
		"2024.06.15-1.10",
		"2025.1",
	},
}

func TestEveryPairOfAnOrder(t *testing.T) {
	for order, chain := range chains {
		rule := Rule{Order: order}
		if order == Semver {
			rule.Semver = ">=0-0"
		}
		p := newPolicy(t, rule)
		for i, worse := range chain {
			for j, better := range chain {
				want := 0
				if i < j {
					want = -1
				} else if i > j {
					want = 1
				}
				got, ok := p.Compare(worse, better)
				if got != want || !ok {
					t.Errorf("%s: Compare(%s, %s) = %d, %v; want %d", order, worse, better, got, ok, want)
				}
			}
		}
		best := slices.Clone(chain)
		slices.Reverse(best)
		if got, want := tagsOf(p.Candidates(chain)), strings.Join(best, " "); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", order, got, want)
		}
	}
}

// TestWhatAnOrderCannotRead has tags that look like what an order reads.
func TestWhatAnOrderCannotRead(t *testing.T) {
	for order, tags := range map[string][]string{
		Semver: {
			"1",
			"12345",
			"v12345",
			"v",
			"1.",
			".1",
			"1..2",
			"1.2.",
			"v1-rc1",
			"1.2.3rc1",
			"1.2.x",
			"1.2.3-",
			"1.2.3-_x",
			"vv1.2.3",
			"-1.2.3",
			"2024-06-15",
			"latest",
		},
		Numerical: {
			"",
			"1.2.3",
			"1.",
			".5",
			"-1",
			"1e9",
			"0x10",
			"1_000",
			"inf",
			"nan",
		},
		Calver: {
			"2024",
			"v2024",
			"202406",
			"2024061",
			"20241315",
			"20240632",
			"2024061512304",
			"2024.06.15rc1",
			"2024..06",
			"2024.1.2.3.4.5",
			"123.4",
			"main",
		},
	} {
		p := newPolicy(t, Rule{Order: order, Semver: map[string]string{Semver: ">=0-0"}[order]})
		for _, tag := range tags {
			if got := p.Candidates([]string{tag}); len(got) != 0 {
				t.Errorf("%s reads %q", order, tag)
			}
		}
	}
}

func TestARangeLooksAtTheFirstThreeNumbers(t *testing.T) {
	for within, test := range map[string]struct{ in, out []string }{
		">=10.0.20348": {[]string{"10.0.20348.1", "10.0.20348", "10.0.26100.1"}, []string{"10.0.17763.9999"}},
		"~1.2":         {[]string{"1.2", "1.2.0.5", "v1.2.99", "1.2.3_4"}, []string{"1.3", "1.2.3-rc1", "2.2"}},
		"<2":           {[]string{"1.99999999999999999999.0"}, []string{"2", "v2", "99999999999999999999.0"}},
		">=1.5.0-0":    {[]string{"1.5.0-007", "1.5.0-10.0123456"}, []string{"1.4.9"}},
		"*":            {[]string{"0.0.1", "2024.06.15"}, []string{"0.0.1-0", "2024.06.15-2"}},
	} {
		p := newPolicy(t, Rule{Semver: within})
		for _, tag := range test.in {
			if len(p.Candidates([]string{tag})) != 1 {
				t.Errorf("%s leaves %s out", within, tag)
			}
		}
		for _, tag := range test.out {
			if len(p.Candidates([]string{tag})) != 0 {
				t.Errorf("%s takes %s", within, tag)
			}
		}
	}
}

func TestALongNumberKeepsItsPlace(t *testing.T) {
	nines, one := strings.Repeat("9", 254), "1"+strings.Repeat("0", 254)
	for _, numbers := range [][2]string{{nines, one}, {one, one + "0"}, {one + "0", one + "00"}, {strings.Repeat("9", 510), "1" + strings.Repeat("0", 510)}} {
		if a, b := NaturalKey(numbers[0]), NaturalKey(numbers[1]); a >= b {
			t.Errorf("a number of %d digits is not before one of %d", len(numbers[0]), len(numbers[1]))
		}
	}
}

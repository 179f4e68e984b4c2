package policy_test

import (
	"testing"

	"github.com/tagbump/tagbump/pkg/policy"
)

// TestSuggest suggests a rule for tags as builds make them, and asks it for the
// newest of these tags.
func TestSuggest(t *testing.T) {
	for _, test := range []struct {
		name           string
		tags, deployed []string
		want           policy.Rule
		why, picks     string // "" where times have to decide
	}{
		{
			"a branch and a minute",
			[]string{"develop-202407010000", "latest", "master-202406121130", "master-202406151230", "feature-x-202406200000"},
			[]string{"master-202406121130"},
			policy.Rule{Match: `^master-(?P<stamp>\d{12})$`, Extract: "$stamp", Order: policy.Numerical},
			"the time in the tag of master", "master-202406151230",
		},
		{
			"a branch, a minute and a commit",
			[]string{"main-202512300911-90be1d7", "main-202601021504-4f2a91c"},
			[]string{"main-202512300911-90be1d7", "main-202601021504-4f2a91c"},
			policy.Rule{Match: `^main-(?P<stamp>\d{12})-[0-9a-f]{7,40}$`, Extract: "$stamp", Order: policy.Numerical},
			"the time in the tag of main", "main-202601021504-4f2a91c",
		},
		{
			"times with a dash and seconds",
			[]string{"20240615-123000", "20240615-123001"},
			nil,
			policy.Rule{Match: `^\d{8}-\d{6}$`, Order: policy.Natural},
			"the time in the tag", "20240615-123001",
		},
		{
			"days and minutes mixed",
			[]string{"main-20240615", "main-202406151230"},
			nil,
			policy.Rule{Match: `^main-(?P<stamp>\d[\dT.-]*)$`, Extract: "$stamp", Order: policy.Numerical},
			"the time in the tag of main", "main-202406151230",
		},
		{
			"a version in front of the time",
			[]string{"1.2.3-202406151230", "1.3.0-202406161230"},
			[]string{"1.2.3-202406151230"},
			policy.Rule{Match: `^\d+\.\d+\.\d+-(?P<stamp>\d{12})$`, Extract: "$stamp", Order: policy.Numerical},
			"the time in the tag of 1.2.3", "1.3.0-202406161230",
		},
		{
			"releases",
			[]string{"1.4.1", "1.4.2", "1.5.0-rc.1", "2.0.0", "latest"},
			[]string{"1.4.1"},
			policy.Rule{Semver: "^1"},
			"releases of the major version in use", "1.4.2",
		},
		{
			"releases of two majors",
			[]string{"v1.4.1", "v2.0.0", "v3.0.0"},
			[]string{"v1.4.1", "v2.0.0"},
			policy.Rule{Semver: ">=1 <3"},
			"releases of the major version in use", "v2.0.0",
		},
		{
			"pre-releases",
			[]string{"1.4.1", "1.5.0-rc.1", "1.5.0-rc.10"},
			[]string{"1.5.0-rc.1"},
			policy.Rule{Semver: ">=1.0.0-0 <2"},
			"versions, pre-releases included", "1.5.0-rc.10",
		},
		{
			"a distribution behind the version",
			[]string{"1.27.0-alpine", "1.27.1-alpine", "1.28.0", "1.28.0-bookworm"},
			[]string{"1.27.0-alpine"},
			policy.Rule{Match: `^(?P<version>[vV]?\d+(?:\.\d+)+)-alpine$`, Extract: "$version", Order: policy.Semver},
			"releases with alpine", "1.27.1-alpine",
		},
		{
			"numbers in what follows",
			[]string{"7.4.1-debian-12-r0", "7.4.2-debian-12-r3"},
			[]string{"7.4.1-debian-12-r0"},
			policy.Rule{Match: `^(?P<version>[vV]?\d+(?:\.\d+)+)-debian-\d+-r\d+$`, Extract: "$version", Order: policy.Semver},
			"releases with debian-12-r0", "7.4.2-debian-12-r3",
		},
		{
			"a word in front of the version",
			[]string{"release-1.4.1", "release-1.10.0", "nightly-9.9.9"},
			[]string{"release-1.4.1"},
			policy.Rule{Match: `^release-(?P<version>[vV]?\d+(?:\.\d+)+)$`, Extract: "$version", Order: policy.Semver},
			"releases of release", "release-1.10.0",
		},
		{
			"dates",
			[]string{"2024.06.15", "2024.11.2"},
			[]string{"2024.06.15"},
			policy.Rule{Match: `^\d{4}[.-]\d`, Order: policy.Calver},
			"the date in the tag", "2024.11.2",
		},
		{
			"numbers",
			[]string{"9", "10", "latest"},
			[]string{"9"},
			policy.Rule{Match: `^\d+$`, Order: policy.Numerical},
			"the number of the build", "10",
		},
		{
			"numbers behind a word",
			[]string{"build-9", "build-10", "build-10-debug"},
			[]string{"build-9"},
			policy.Rule{Match: `^build-(?P<build>\d+)$`, Extract: "$build", Order: policy.Numerical},
			"the number of the build of build", "build-10",
		},
		{
			"numbers and commits",
			[]string{"main-9-90be1d7", "main-10-4f2a91c"},
			[]string{"main-9-90be1d7"},
			policy.Rule{Match: `^main-(?P<build>\d+)-[0-9a-f]{7,40}$`, Extract: "$build", Order: policy.Numerical},
			"the number of the build of main", "main-10-4f2a91c",
		},
		{
			"commits",
			[]string{"90be1d7", "4f2a91c", "main"},
			[]string{"90be1d7"},
			policy.Rule{Match: `^[0-9a-f]{7,40}$`, Order: policy.Newest},
			"commits have no order: the image that was created last", "",
		},
		{
			"commits behind a branch",
			[]string{"sha-90be1d7", "sha-4f2a91c0", "main-0000000"},
			[]string{"sha-90be1d7"},
			policy.Rule{Match: `^sha-[0-9a-f]{7,40}$`, Order: policy.Newest},
			"commits have no order: the image that was created last of sha", "",
		},
		{
			"what is deployed moves",
			[]string{"1.0.0", "1.1.0", "main-1", "latest"},
			[]string{"latest"},
			policy.Rule{Semver: "^1"},
			"releases of the major version in use", "1.1.0",
		},
		{
			"what is deployed is gone",
			[]string{"1.0.0", "1.1.0"},
			[]string{"2023-final"},
			policy.Rule{Semver: "^1"},
			"releases of the major version in use", "1.1.0",
		},
		{"only tags that move", []string{"latest", "main", "stable"}, []string{"latest"}, policy.Rule{}, "", ""},
		{"nothing", nil, nil, policy.Rule{}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, found := policy.Suggest(test.tags, test.deployed)
			if got.Rule != test.want || got.Why != test.why || found != (test.want != policy.Rule{}) {
				t.Fatalf("got %+v, %t\nwant %+v, %q", got, found, test.want, test.why)
			}
			if !found || test.picks == "" {
				return
			}
			p, err := policy.New(got.Rule)
			if err != nil {
				t.Fatal(err)
			}
			if best := p.Candidates(test.tags)[0].Tag; best != test.picks {
				t.Errorf("it picks %s, not %s", best, test.picks)
			}
		})
	}
}

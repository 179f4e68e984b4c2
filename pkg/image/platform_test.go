package image

import (
	"errors"
	"testing"
)

func TestCheckPlatforms(t *testing.T) {
	for _, test := range []struct {
		have, wanted []string
		err          string
	}{
		{[]string{"linux/amd64"}, nil, ""},
		{[]string{"linux/amd64", "linux/arm64"}, []string{"linux/arm64", "linux/amd64"}, ""},
		{[]string{"linux/arm64/v8"}, []string{"linux/arm64"}, ""},
		{[]string{"linux/arm64"}, []string{"linux/arm64/v8"}, ""},
		{[]string{"linux/arm/v7"}, []string{"linux/arm/v6"}, "linux/arm/v6: no such platform (it has linux/arm/v7)"},
		{[]string{"linux/amd64", "linux/arm/v7"}, []string{"linux/amd64", "linux/arm64"}, "linux/arm64: no such platform (it has linux/amd64, linux/arm/v7)"},
		{nil, []string{"linux/arm64"}, "linux/arm64: no such platform (it has none that it names)"},
	} {
		err := CheckPlatforms(Info{Platforms: test.have}, test.wanted)
		if test.err == "" && err != nil || test.err != "" && (err == nil || err.Error() != test.err || !errors.Is(err, ErrNoPlatform)) {
			t.Errorf("CheckPlatforms(%v, %v) = %v, want %q", test.have, test.wanted, err, test.err)
		}
	}
}

func TestPlatformsAreCompared(t *testing.T) {
	for _, test := range []struct {
		has, wanted string
		want        bool
	}{
		{"linux/arm64", "linux/arm64", true},
		{"linux/arm64/v8", "linux/arm64", true},
		{"linux/arm64", "linux/arm64/v8", true},
		{"linux/arm/v7", "linux/arm", true},
		{"linux/arm", "linux/arm/v7", false},
		{"linux/arm/v6", "linux/arm/v7", false},
		{"linux/amd64", "linux/arm64", false},
		{"linux/arm64", "linux/arm", false},
		{"linux/amd64", "linux/x86_64", true},
		{"windows/amd64", "linux/amd64", false},
	} {
		if got := HasPlatform([]string{test.has}, test.wanted); got != test.want {
			t.Errorf("HasPlatform(%s, %s) = %v", test.has, test.wanted, got)
		}
	}
}

func TestCheckPlatform(t *testing.T) {
	for _, good := range []string{"linux/arm64", "linux/arm/v7"} {
		if err := CheckPlatform(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "arm64", "linux/", "linux//v7", "a/b/c/d"} {
		if err := CheckPlatform(bad); !errors.Is(err, ErrPlatform) {
			t.Errorf("CheckPlatform(%q) = %v", bad, err)
		}
	}
}

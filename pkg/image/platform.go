package image

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

var (
	// ErrNoPlatform is in the chain when an image lacks a platform that was asked for.
	ErrNoPlatform = fault.New(fault.NotFound, "no such platform")
	// ErrPlatform is in the chain when text is not a platform.
	ErrPlatform = fault.New(fault.Usage, "not a platform")
)

// CheckPlatforms returns an error that wraps [ErrNoPlatform] and lists the
// image's platforms, unless the image has every one of wanted ("linux/arm64").
func CheckPlatforms(info Info, wanted []string) error {
	for _, platform := range wanted {
		if !HasPlatform(info.Platforms, platform) {
			return fmt.Errorf("%s: %w (it has %s)", platform, ErrNoPlatform, listPlatforms(info.Platforms))
		}
	}
	return nil
}

// HasPlatform reports whether an image with these platforms runs on wanted.
// linux/arm64 and linux/arm64/v8 are one platform. Without a variant, wanted
// means any variant; a variant that is asked for has to be there.
func HasPlatform(platforms []string, wanted string) bool {
	return slices.ContainsFunc(platforms, func(platform string) bool { return covers(platform, wanted) })
}

// platformPattern is os/arch or os/arch/variant, as builders write them.
var platformPattern = lazyregexp.New(`^[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9.]+)?$`)

// CheckPlatform returns an error that wraps [ErrPlatform] unless text reads
// os/arch or os/arch/variant.
func CheckPlatform(text string) error {
	if !platformPattern.MatchString(text) {
		if strings.Contains(text, ",") {
			return fmt.Errorf("%q: %w; give each one on its own", text, ErrPlatform)
		}
		return fmt.Errorf("%q: %w; write OS/ARCH, such as linux/arm64", text, ErrPlatform)
	}
	return nil
}

func covers(platform, wanted string) bool {
	platform, wanted = normalPlatform(platform), normalPlatform(wanted)
	return platform == wanted || strings.Count(wanted, "/") == 1 && strings.HasPrefix(platform, wanted+"/")
}

// normalPlatform leaves out v8, the only variant that arm64 has, which some
// builders write and others do not (OCI image spec, "variant"), and spells
// architectures as Go does.
func normalPlatform(platform string) string {
	platform = strings.ToLower(platform)
	platform = strings.Replace(platform, "/x86_64", "/amd64", 1)
	platform = strings.Replace(platform, "/aarch64", "/arm64", 1)
	if base, found := strings.CutSuffix(platform, "/arm64/v8"); found {
		return base + "/arm64"
	}
	return platform
}

func listPlatforms(platforms []string) string {
	if len(platforms) == 0 {
		return "none that it names"
	}
	return strings.Join(platforms, ", ")
}

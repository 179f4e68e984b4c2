package registry

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
)

// CheckPlatforms returns an error that wraps [ErrNoPlatform] and lists what there
// is, unless the image has each of wanted ("linux/arm64", "linux/arm/v7").
func CheckPlatforms(ref image.Ref, info image.Info, wanted ...string) error {
	for _, platform := range wanted {
		if !HasPlatform(info.Platforms, platform) {
			return &Error{
				Where: ref.String(),
				What:  "not built for " + platform,
				Why:   "it has " + listPlatforms(info.Platforms),
				kind:  ErrNoPlatform,
			}
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

// CheckPlatform returns an error unless text reads os/arch or os/arch/variant.
func CheckPlatform(text string) error {
	parts := strings.Split(text, "/")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return fmt.Errorf("platform %q: not of the form os/arch or os/arch/variant, such as linux/arm64", text)
	}
	return nil
}

func covers(platform, wanted string) bool {
	platform, wanted = normal(platform), normal(wanted)
	return platform == wanted || strings.Count(wanted, "/") == 1 && strings.HasPrefix(platform, wanted+"/")
}

// normal leaves out v8, which is the only arm64 there was for years and which
// some builders write and others do not, and spells architectures as Go does.
func normal(platform string) string {
	platform = strings.ToLower(platform)
	platform = strings.Replace(platform, "/x86_64", "/amd64", 1)
	platform = strings.Replace(platform, "/aarch64", "/arm64", 1)
	if base, found := strings.CutSuffix(platform, "/arm64/v8"); found {
		return base + "/arm64"
	}
	return platform
}

// platformName writes a platform as people do; os or architecture may be missing.
func platformName(os, architecture, variant string) string {
	if os == "" || architecture == "" {
		return ""
	}
	return strings.TrimSuffix(os+"/"+architecture+"/"+variant, "/")
}

func listPlatforms(platforms []string) string {
	if len(platforms) == 0 {
		return "none"
	}
	return strings.Join(platforms, ", ")
}

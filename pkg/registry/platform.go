package registry

import "strings"

// platformName writes a platform as people do; os or architecture may be missing.
func platformName(os, architecture, variant string) string {
	if os == "" || architecture == "" {
		return ""
	}
	return strings.TrimSuffix(os+"/"+architecture+"/"+variant, "/")
}

package keypath

import (
	"strings"
	"unicode"
)

// Plain spells a key as charts of any style do: of image_tag, image-tag and
// imageTag it makes imagetag.
func Plain(key string) string {
	return strings.Map(func(c rune) rune {
		if c == '_' || c == '-' || c == '.' {
			return -1
		}
		return unicode.ToLower(c)
	}, key)
}

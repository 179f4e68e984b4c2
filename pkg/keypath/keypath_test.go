package keypath

import "testing"

func TestPathsRoundTrip(t *testing.T) {
	for _, text := range []string{
		"image.tag", "spec.containers[name=web].image", "a[0].b", `"a.b/c".d`, "*.image.tag", "images[*].newTag",
		"spec.source.helm.values | image.tag", `a["x y"="v]w"].b`, `"*".b`,
	} {
		p, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if got := p.String(); got != text {
			again, err := Parse(got)
			if err != nil || !again.Equal(p) {
				t.Errorf("Parse(%q).String() = %q, which reads as %v, %v", text, got, again, err)
			}
		}
	}
}

func TestParseNamesTheByte(t *testing.T) {
	for text, want := range map[string]string{
		"":       `path "": byte 1: a key is missing`,
		"a..b":   `path "a..b": byte 3: a key is missing`,
		"a[x]":   `path "a[x]": byte 4: "x" is no index; want [0], [name=web] or [*]`,
		"a[0":    `path "a[0": byte 4: want ]`,
		`a."b`:   `path "a.\"b": byte 3: the quote is not closed`,
		"a[0]b":  `path "a[0]b": byte 5: want a dot, [ or |`,
		"a |":    `path "a |": byte 4: a key is missing behind |`,
		"a[-1].": `path "a[-1].": byte 5: "-1" is no index; want [0], [name=web] or [*]`,
	} {
		if _, err := Parse(text); err == nil || err.Error() != want {
			t.Errorf("Parse(%q): %v\nwant %s", text, err, want)
		}
	}
}

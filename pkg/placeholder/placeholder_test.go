package placeholder

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
)

func TestFill(t *testing.T) {
	values := map[string]string{"Tag": "1.2", "Image": "acme/web", "Odd": "{{.Tag}}"}
	for text, want := range map[string]string{
		"":                               "",
		"plain":                          "plain",
		"{{.Tag}}":                       "1.2",
		"{{ .Tag }}":                     "1.2",
		"[skip ci] {{.Image}}:{{.Tag}}!": "[skip ci] acme/web:1.2!",
		"{{.Tag}}{{.Tag}}":               "1.21.2",
		"{ {.Tag} } }} {":                "{ {.Tag} } }} {",
		"{{.Odd}}":                       "{{.Tag}}",
		"{{.None}} is empty":             " is empty",
		"first\n\nsecond {{.Tag}}\n":     "first\n\nsecond 1.2\n",
	} {
		parsed, err := Parse(text, "Tag", "Image", "Odd", "None")
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := parsed.Fill(values); got != want || parsed.IsZero() != (text == "") {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestWhatIsNotAPlaceholder(t *testing.T) {
	for text, want := range map[string]string{
		"a {{.Nothing}}":            `"{{.Nothing}}" is not a placeholder`,
		"{{range .Images}}x{{end}}": `"{{range .Images}}" is not a placeholder`,
		"{{.Tag | upper}}":          `"{{.Tag | upper}}" is not a placeholder`,
		"{{Tag}}":                   `"{{Tag}}" is not a placeholder`,
		"{{.tag}}":                  `"{{.tag}}" is not a placeholder`,
		"{{}}":                      `"{{}}" is not a placeholder`,
		"{{.Tag}} {{":               `"{{": a placeholder has no end`,
		"{{.Tag":                    `"{{.Tag": a placeholder has no end`,
		"{{ {{.Tag}}":               `"{{ {{.Tag}}" is not a placeholder`,
	} {
		_, err := Parse(text, "Tag", "Digest")
		if err == nil || err.Error() != want || fault.KindOf(err) != fault.Usage || fault.HintOf(err) != "the placeholders are {{.Tag}}, {{.Digest}}" {
			t.Errorf("%q: %v (hint %q), want %s", text, err, fault.HintOf(err), want)
		}
	}
}

func TestNames(t *testing.T) {
	parsed, err := Parse("{{.B}} {{.A}} {{.B}}", "A", "B", "C")
	if got := parsed.Names(); err != nil || !slices.Equal(got, []string{"B", "A"}) {
		t.Errorf("%v, %v", got, err)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"{{.A}}", "{{ .A", "}}{{", "{{{.A}}}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := Parse(text, "A")
		if err == nil && parsed.Fill(map[string]string{"A": "{{.A}}"}) != pattern.ReplaceAllString(text, "{{.A}}") {
			t.Errorf("%q is filled as %q", text, parsed.Fill(map[string]string{"A": "{{.A}}"}))
		}
	})
}

func ExampleText_Fill() {
	text, err := Parse("deploy {{.Image}} {{.Tag}}", "Image", "Tag")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(text.Fill(map[string]string{"Image": "acme/web", "Tag": "1.4.0"}))
	// Output: deploy acme/web 1.4.0
}

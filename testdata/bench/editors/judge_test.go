package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/testdata/bench/corpus"
)

const before = `# Values.
image:
    repository: acme/web
    tag: '1.2.3'   # bumped by CI
other: {a: ~, b: [x,  y]}
`

// TestVerdicts judges texts that some editor could have made of before.
func TestVerdicts(t *testing.T) {
	replace := func(old, with string) func(string) string {
		return func(text string) string { return strings.Replace(text, old, with, 1) }
	}
	tests := []struct {
		name  string
		tag   string
		edit  func(string) string
		want  verdict
		wrong string
	}{
		{"only the value", "9", replace("1.2.3", "9"), verdict{minimal: true, oneLine: true}, ""},
		{"the quotes become others", "v9", replace("'1.2.3'", `"v9"`), verdict{oneLine: true}, ""},
		{"the quotes go", "v9", replace("'1.2.3'", "v9"), verdict{oneLine: true}, ""},
		{"the space before the comment", "9", replace("'1.2.3'  ", "'9'"), verdict{oneLine: true}, ""},
		{"the comment goes", "9", replace("'1.2.3'   # bumped by CI", "'9'"), verdict{oneLine: true, commentsLost: true}, ""},
		{"another line is re-spaced", "9", func(text string) string {
			return replace("x,  y", "x, y")(replace("1.2.3", "9")(text))
		}, verdict{collateral: 1}, ""},
		{"null is spelled in another way", "9", func(text string) string {
			return replace("~", "null")(replace("1.2.3", "9")(text))
		}, verdict{collateral: 1}, ""},
		{"the final line break goes", "9", func(text string) string {
			return strings.TrimSuffix(replace("1.2.3", "9")(text), "\n")
		}, verdict{collateral: 1}, ""},
		{"nothing", "9", func(text string) string { return text }, verdict{}, `line 4: the target reads "1.2.3"`},
		{"a number without quotes", "9", replace("'1.2.3'", "9"), verdict{}, `line 4: the target "9" is no string`},
		{"a YAML 1.1 truth value without quotes", "on", replace("'1.2.3'", "on"), verdict{}, `line 4: the target "on" is no string`},
		{"another value", "9", func(text string) string {
			return replace("acme/web", "acme/api")(replace("1.2.3", "9")(text))
		}, verdict{collateral: 1}, `line 3: "acme/web" (!!str) is now "acme/api" (!!str)`},
		{"a key is gone", "9", func(text string) string {
			return replace("a: ~, ", "")(replace("1.2.3", "9")(text))
		}, verdict{collateral: 1}, `line 5: "" (!!map) is now "" (!!map)`},
		{"no YAML", "9", replace("'1.2.3'", "'9"), verdict{}, "does not parse any more: yaml: line 4: found unexpected end of stream"},
		{"another document", "9", func(text string) string {
			return replace("1.2.3", "9")(text) + "---\na: 1\n"
		}, verdict{collateral: 2}, "1 documents are now 2"},
		{"an empty document", "9", func(text string) string {
			return replace("1.2.3", "9")(text) + "---\n"
		}, verdict{collateral: 1}, ""},
	}
	j := startJudge(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := j.judge(sampleOf(t, before, test.tag), []byte(test.edit(before)))
			if err != nil {
				t.Fatal(err)
			}
			wrong := ""
			if got.wrong != nil {
				wrong, got.wrong = got.wrong.Error(), nil
			}
			if got != test.want || wrong != test.wrong {
				t.Errorf("got %+v, wrong: %s\nwant %+v, wrong: %s", got, wrong, test.want, test.wrong)
			}
		})
	}
}

func TestCRLFIsLostWhenOneLineLosesIt(t *testing.T) {
	text := string(corpus.WithCRLF([]byte(before)))
	after := strings.Replace(strings.Replace(text, "1.2.3", "9", 1), "web\r\n", "web\n", 1)
	got, err := startJudge(t).judge(sampleOf(t, text, "9"), []byte(after))
	if want := (verdict{crlfLost: true, collateral: 1}); err != nil || got != want {
		t.Errorf("got %+v, %v; want %+v", got, err, want)
	}
}

// TestLineSpliceHasKargosTraits keeps the port honest: these are the traits of
// the method that it is compared for.
func TestLineSpliceHasKargosTraits(t *testing.T) {
	tests := []struct{ name, text, tag, want string }{
		{"the rest of the line goes", "image: {repository: acme/web, tag: v1} # c\n", "v2", "image: {repository: acme/web, tag: v2\n"},
		{"quotes go", "image: 'acme/web:1' # c\n", "2", "image: acme/web:2\n"},
		{"numbers get quotes", "image:\n  repository: acme/web\n  tag: v1\n", "1.10", "image:\n  repository: acme/web\n  tag: \"1.10\"\n"},
		{"CR LF becomes LF", "a: 1\r\nimage: acme/web:1\r\n", "2", "a: 1\nimage: acme/web:2\n"},
		{"the last line gets a line break", "image: acme/web:1", "2", "image: acme/web:2\n"},
		{"a column of runes is taken for bytes", "üü: {image: acme/web:1}\n", "2", "üü: {image acme/web:2\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := byLineSplice(sampleOf(t, test.text, test.tag))
			if err != nil || string(got) != test.want {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

// TestEveryToolMakesAnEasyEdit shows that each tool is asked rightly: in a file
// that is formatted as all of them write it, nothing but the tag changes.
func TestEveryToolMakesAnEasyEdit(t *testing.T) {
	const text = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  image: acme/web:1.2.3\n---\nkind: Pod\nmetadata:\n  name: web2\nspec:\n  tag: v1\n"
	s := sampleOf(t, text, "v2")
	want := strings.Replace(text, "1.2.3", "v2", 1)
	for _, tool := range tools() {
		t.Run(tool.name, func(t *testing.T) {
			want := want
			if tool.name == "yaml.v3 re-encode" {
				want = strings.ReplaceAll(want, "\n  ", "\n    ")
			}
			if got, err := edited(tool, s); err != nil || string(got) != want {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}

// TestTagbumpIsMinimalInItsOwnFixtures runs the whole command; it fails when an
// edit of tagbump's is not minimal.
func TestTagbumpIsMinimalInItsOwnFixtures(t *testing.T) {
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-corpus", "../../../pkg/plan/testdata", "-repeat", "1"}, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, tool := range tools() {
		if strings.Count(out.String(), "\n"+tool.name+" ") < 2 {
			t.Errorf("no line for %s in\n%s", tool.name, out.String())
		}
	}
}

func startJudge(t *testing.T) *judge {
	t.Helper()
	j, err := newJudge(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(j.close)
	return j
}

// sampleOf is the one edit that text has to offer.
func sampleOf(t *testing.T, text, tag string) corpus.Sample {
	t.Helper()
	found := corpus.Collect([]corpus.File{{Name: "values.yaml", Text: []byte(text)}}, tag)
	if len(found.Samples) != 1 {
		t.Fatalf("%+v", found)
	}
	return found.Samples[0]
}

package manual_test

import (
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/manual"
)

const source = `# How tags **compare**

A *policy* chooses one tag: ` + "`--semver '>=1 <2'`" + `, or more of
[them](https://docs.example/tags), as [below](#orders) and (` + "`--order`" + `).

## Orders

| order | compares | so that |
|---|---|---|
| ` + "`semver`" + ` | versions, or a text that is long enough to be wrapped | v1.10.0 > 1.9.2 |
| | nothing\|else | |

- one item that goes on
over a second line
- **two**

` + "```sh\ntagbump resolve acme/web \\\n\n  -o json\n```" + `
.dots and 'quotes' \ stay
`

const wide = `How tags compare

A *policy* chooses one tag: --semver '>=1 <2', or more of them
(https://docs.example/tags), as below and (--order).

Orders

  order   compares                           so that
  semver  versions, or a text that is long   v1.10.0 > 1.9.2
          enough to be wrapped
          nothing|else

- one item that goes on over a second line
- two

  tagbump resolve acme/web \

    -o json

.dots and 'quotes' \ stay
`

func TestText(t *testing.T) {
	got := manual.Text(manual.Parse(source), manual.Layout{Width: 62})
	if got != wide {
		t.Errorf("got:\n%s\nwant:\n%s", got, wide)
	}
}

func TestTextMarksWhatIsStrong(t *testing.T) {
	blocks := manual.Parse("# Title\n\nSay `a b`, **c**.\n\n| x | y |\n|---|---|\n| `k` | v |\n")
	bold := func(text string) string { return "<" + text + ">" }
	want := "<Title>\n\nSay <a> <b>, <c>.\n\n  <x>  <y>\n  <k>  v\n"
	if got := manual.Text(blocks, manual.Layout{Strong: bold}); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestTextNeverIsWiderThanTheTerminal(t *testing.T) {
	for _, width := range []int{40, 50, 80, 100} {
		for line := range strings.Lines(manual.Text(manual.Parse(source), manual.Layout{Width: width})) {
			if n := len([]rune(line)) - 1; n > width {
				t.Errorf("%d columns in a terminal of %d: %s", n, width, line)
			}
		}
	}
}

const page = `.SH HOW TAGS COMPARE
.PP
A *policy* chooses one tag: \fB\-\-semver '>=1 <2'\fR, or more of them (https://docs.example/tags), as below and (\fB\-\-order\fR).
.SH ORDERS
.TP
\fBsemver\fR
versions, or a text that is long enough to be wrapped; v1.10.0 > 1.9.2
.TP
\&
nothing|else
.IP \(bu 2
one item that goes on over a second line
.IP \(bu 2
\fBtwo\fR
.PP
.RS 4
.nf
tagbump resolve acme/web \e

  \-o json
.fi
.RE
.PP
\&.dots and 'quotes' \e stay
`

func TestRoff(t *testing.T) {
	if got := manual.Roff(manual.Parse(source)); got != page {
		t.Errorf("got:\n%s\nwant:\n%s", got, page)
	}
}

func TestAMarkWithoutItsEndIsText(t *testing.T) {
	for _, text := range []string{"a ` b", "2 * 3", "a ** b", "containers[name=web].image", "[a](b"} {
		if got := manual.Text(manual.Parse(text), manual.Layout{}); got != text+"\n" {
			t.Errorf("%q became %q", text, got)
		}
	}
}

func TestCodeMayBeInAStrongText(t *testing.T) {
	if got := manual.Text(manual.Parse("**`{{ .x }}`**: y"), manual.Layout{}); got != "{{ .x }}: y\n" {
		t.Errorf("got %q", got)
	}
}

func TestWrap(t *testing.T) {
	got := strings.Join(manual.Wrap("one two  three-and-more four", 8), "|")
	if want := "one two|three-and-more|four"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestLiteralHasNoMarks(t *testing.T) {
	const text = "`code`, **/*.yaml, [x](y), a \\ and \\* and \\n"
	var got strings.Builder
	for _, span := range manual.Spans("before " + manual.Literal(text)) {
		if span.Strong {
			t.Errorf("%q is strong", span.Text)
		}
		got.WriteString(span.Text)
	}
	if got.String() != "before "+text {
		t.Errorf("%q, want %q", got.String(), text)
	}
}

package safetext

import (
	"slices"
	"strings"
	"testing"
)

func TestLineAndText(t *testing.T) {
	for _, test := range []struct{ raw, text, line string }{
		{"1.2.3", "1.2.3", "1.2.3"},
		{"a\r\nb\rc\vd\fe\u0085f\u2028g\u2029h", "a\nb\nc\nd\ne\nf\ng\nh", "a b c d e f g h"},
		{"\x1b[31mred\x1b[0m", "[31mred[0m", "[31mred[0m"},
		{"title\x1b]0;owned\a", "title]0;owned", "title]0;owned"},
		{"C1 \u009b2J", "C1 2J", "C1 2J"},
		{"to\u202efdp.exe", "tofdp.exe", "tofdp.exe"},
		{"nul\x00 and \xff", "nul and ", "nul and"},
		{"\tindented\u00a0\u3000text ", "\tindented  text ", "indented text"},
		{"Grüße, 世界 ✓", "Grüße, 世界 ✓", "Grüße, 世界 ✓"},
		{"", "", ""},
	} {
		if got := Text(test.raw); got != test.text {
			t.Errorf("Text(%q) = %q, want %q", test.raw, got, test.text)
		}
		if got := Line(test.raw); got != test.line {
			t.Errorf("Line(%q) = %q, want %q", test.raw, got, test.line)
		}
	}
}

func TestLinesAreThoseWithText(t *testing.T) {
	got := Lines("one\r\n\r\n  two\u2028\x1b\n three  four")
	if want := []string{"one", "two", "three four"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		most      int
		raw, want string
	}{
		{5, "short", "short"},
		{4, "short", "shor…"},
		{3, "ab cd", "ab…"},
		{2, "aé", "a…"},
		{0, "x", "…"},
	} {
		if got := Cut(test.raw, test.most); got != test.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", test.raw, test.most, got, test.want)
		}
	}
}

func TestMarkdown(t *testing.T) {
	for _, test := range []struct{ name, got, want string }{
		{"a code span", Code("charts/web.yaml"), "`charts/web.yaml`"},
		{"nothing", Code(""), ""},
		{"a backtick inside", Code("a`b"), "``a`b``"},
		{"backticks at the ends", Code("`@team`"), "`` `@team` ``"},
		{"a run of backticks", Code("a```b`c"), "````a```b`c````"},
		{"lines", Code("a\n# Approved\n"), "`a # Approved`"},
		{"a cell", Cell("a|b`c"), "``a\\|b`c``"},
		{"a block", Fence("diff", "-a\n+b\n"), "```diff\n-a\n+b\n```\n"},
		{"a block with a fence in it", Fence("diff", " ```\n-a\n"), "````diff\n ```\n-a\n````\n"},
		{"a block without a last line break", Fence("", "-a\n ````"), "`````\n-a\n ````\n`````\n"},
		{"an empty block", Fence("", ""), "```\n```\n"},
	} {
		if test.got != test.want {
			t.Errorf("%s: %q, want %q", test.name, test.got, test.want)
		}
	}
}

func FuzzText(f *testing.F) {
	for _, seed := range []string{"1.0", "a\u2028b", "\x1b[2J", "``` `", "\xff\u202e|"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if line := Line(s); strings.ContainsAny(line, "\n\r\v\f\u0085\u2028\u2029\x00\x1b\u202e") || Line(line) != line {
			t.Errorf("Line(%q) = %q", s, line)
		}
		if text := Text(s); Text(text) != text {
			t.Errorf("Text(%q) = %q, which changes again", s, text)
		}
		if fence := Fence("diff", s); strings.Count(fence, fence[:strings.IndexByte(fence, 'd')]) != 2 {
			t.Errorf("Fence(%q) can be left: %q", s, fence)
		}
	})
}

package main

import (
	"slices"
	"strings"
	"testing"
)

func TestRowsOf(t *testing.T) {
	full := strings.Repeat("x", 80)
	tests := []struct {
		line string
		want []row
	}{
		{"plain <text> & more", []row{{"plain &lt;text&gt; &amp; more", 19}}},
		{"\x1b[31m-  image\x1b[0m # c", []row{{`<tspan class="red">-  image</tspan> # c`, 12}}},
		{"\x1b[1m\x1b[36ma\x1b[0mb", []row{{`<tspan class="b cyan">a</tspan>b`, 2}}},
		{"a → b", []row{{"a → b", 5}}},
		{"$ tagbump demo", []row{{`<tspan class="green">$</tspan> <tspan class="b">tagbump demo</tspan>`, 14}}},
		{"", []row{{"", 0}}},
		{full, []row{{full, 80}}},
		{"\x1b[1m" + full + "yz\x1b[0m", []row{{`<tspan class="b">` + full + `</tspan>`, 80}, {`<tspan class="b">yz</tspan>`, 2}}},
		{full + full + "z", []row{{full, 80}, {full, 80}, {"z", 1}}},
	}
	for _, test := range tests {
		got, err := rowsOf(test.line)
		if !slices.Equal(got, test.want) || err != nil {
			t.Errorf("%q: %q, %v", test.line, got, err)
		}
	}
}

func TestDrawRefusesWhatATerminalShowsOtherwise(t *testing.T) {
	for line, want := range map[string]string{
		"\x1b[5mblink": `line 2: escape sequence "5"`,
		"a\x1b[31":     `line 2: escape sequence "31"`,
		"bell\a":       `line 2: control character '\a'`,
	} {
		if _, err := draw("first\n" + line + "\n"); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", line, err, want)
		}
	}
}

func TestDrawIsAsHighAsTheText(t *testing.T) {
	got, err := draw("one\n\nthree\n\n\n")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(got, "<text ") != 2 || !strings.Contains(got, `height="100"`) || !strings.HasSuffix(got, "</svg>\n") {
		t.Errorf("got:\n%s", got)
	}
}

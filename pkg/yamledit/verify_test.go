package yamledit

import (
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestASpoiledEditIsRefused holds the promise that an edit changes one value and
// nothing else: each row spoils what an honest edit would write, as a fault of this
// package would, and the read-back refuses it by name.
func TestASpoiledEditIsRefused(t *testing.T) {
	const deployment = "kind: Deployment\nspec:\n  image: acme/api:1 # pinned\n  ports: [80]\n"
	for name, test := range map[string]struct{ src, path, value, text, want string }{
		"honest":                {deployment, "spec.image", "acme/api:2", "acme/api:2", ""},
		"a comment":             {deployment, "spec.image", "acme/api:2", "acme/api:2 # x", "line 3: the edit would write more than the value"},
		"a blank":               {deployment, "spec.image", "acme/api:2", "acme/api:2 ", "line 3: the edit would write more than the value"},
		"quotes and a comment":  {"a: 'v1'\n", "a", "v2", "v2' #'", "line 1: the edit would write more than the value"},
		"an empty with comment": {"a:\n", "a", "v2", " v2 # x", "line 1: the edit would write more than the value"},
		"another text":          {deployment, "spec.image", "acme/api:2", "acme/api:3", `line 3: the edited value would read "acme/api:3" (!!str), not "acme/api:2"`},
		"a number":              {"port: 80\ntag: v1\n", "tag", "12", "12", `line 2: the edited value would read "12" (!!int), not "12"`},
		"a truth value":         {"tag: v1\n", "tag", "on", "true", `line 1: the edited value would read "true" (!!bool), not "on"`},
		"a sibling key":         {deployment, "spec.image", "acme/api:2", "acme/api:2\n  replicas: 0", "line 4: the edit would also change this line"},
		"a key at the end":      {"image:\n  tag: v1\n", "image.tag", "v2", "v2\n  evil: 1", "line 2: the edit would also change this line"},
		"a key in flow style":   {"image: {tag: v1, pull: always}\n", "image.tag", "v2", "v2, pull: never, x: 1", "line 1: the edit would also change this line"},
		"a key at a flow's end": {"image: {tag: v1}\n", "image.tag", "v2", "v2, x: 1", "line 1: the edit would also change this line"},
		"an item":               {"args: [v1]\n", "args[0]", "v2", "v2, v3", "line 1: the edit would also change this line"},
		"a mapping":             {"a: v1\n", "a", "v2", "{v2: x}", "line 1: the edit would also change this line"},
		"a document":            {"image: acme/api:1\nother: 1\n", "image", "acme/api:2", "acme/api:2\n---\nx: 1", "the edit would change the number of documents"},
		"a line break":          {deployment, "spec.image", "acme/api:2", "acme/api:2\n", "line 4: the edit would also change this line"},
		"an anchor":             {"a: v1\n", "a", "v2", "&x v2", "line 1: the edit would also change this line"},
		"the style of a key":    {"a: v1\nb: c\n", "a", "v2", "v2\n'b': c\n#", "line 2: the edit would also change this line"},
		"a lost line":           {"a: v1\nb: c\n", "a", "v2", "v2 #", "line 1: the edit would write more than the value"},
		"another's tag":         {"[v1, !!int 1]\n", "[0]", "v2", "v2, !!str 1] #", "line 1: the edit would also change this line"},
		"another's anchor":      {"[v1, x]\n", "[0]", "v2", "v2, &y x] #", "line 1: the edit would also change this line"},
		"another's style":       {"[v1, x]\n", "[0]", "v2", "v2, 'x'] #", "line 1: the edit would also change this line"},
		"another's value":       {"[v1, x]\n", "[0]", "v2", "v2, y] #", "line 1: the edit would also change this line"},
		"the next line":         {"a: v1\n", "a", "v2", "\n  v2", "line 1: the edit would also change this line"},
		"an action":             {"{{ if .x }}\nimage: acme/api:1\n{{ end }}\n", "image", "acme/api:2", "{{ .y }}", "the edited text has other template actions than before"},
		"no YAML":               {"a: v1\n", "a", "v2", "[", "the edited text cannot be parsed near line 1: did not find expected node content"},
		"a control character":   {"a: v1\n", "a", "v2", "v\x00", "the edited text line 1: has a NUL byte, so it is not a text"},
		"two lines":             {"a: \"v1\"\n", "a", "v2", "v\n 2", "line 1: the edited value goes over several lines"},

		"an embedded sibling":   {"v: |\n  a: v1\n  b: 1\n", "v | a", "v2", "v2\n  c: 1", "line 3: the edit would also change this line"},
		"beyond the block":      {"v: |\n  a: v1\nw: 1\n", "v | a", "v2", "v2\nx: 1", "line 3: the edit would also change this line"},
		"an embedded comment":   {"v: |\n  a: v1\n", "v | a", "v2", "v2 # x", "line 2: the edit would write more than the value"},
		"the block lost":        {"v: |\n  a: v1\n", "v | a", "v2", "v2\n  - [", "line 1: the edit would also change this line"},
		"an embedded template":  {"v: |\n  a: v1\n", "v | a", "v2", "v2 {{", "line 2: the edited value would read \"v2 {{\" (!!str), not \"v2\""},
		"quoted YAML's sibling": {`v: "a: v1\nb: 1\n"` + "\n", "v | a", "v2", `v2\nc: 1`, "line 1: the edit would also change this line"},
		"quoted YAML's comment": {`v: "a: v1\nb: 1\n"` + "\n", "v | a", "v2", `v2 # x`, "line 1: the edit would write more than the value"},
		"a quoted template":     {`v: "a: v1\nb: 1\n"` + "\n", "v | a", "v2", `{\x7b x }}`, "line 1: the edit would also change this line"},
		"quoted YAML lost":      {`v: "a: v1\nb: 1\n"` + "\n", "v | a", "v2", `v2\n- [`, "line 1: the edit would also change this line"},
		"beyond the quotes":     {`v: "a: v1\nb: 1\n"` + "\n", "v | a", "v2", `v2\nb: 1\n" #`, "line 1: the edit would write more than the value"},
	} {
		text, s, err := scalarAt(test.src, test.path)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e, err := s.Replace(test.value)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		e.New = test.text
		after, err := text.Apply(e)
		if words(err) != test.want {
			t.Errorf("%s: %q, %q\nwant %q", name, after, words(err), test.want)
		}
	}
}

// TestASpoiledInsertionIsRefused does the same for entries that are put in.
func TestASpoiledInsertionIsRefused(t *testing.T) {
	const src = "image:\n  repository: acme/api\n  pull: always\nother: 1\n"
	for name, test := range map[string]struct{ text, want string }{
		"honest":           {"\n  tag: v2\n  digest: sha256:ab", ""},
		"another value":    {"\n  tag: v3\n  digest: sha256:ab", "line 2: the edit would also change this line"},
		"another key":      {"\n  tog: v2\n  digest: sha256:ab", "line 2: the edit would also change this line"},
		"a number":         {"\n  tag: 0x1\n  digest: sha256:ab", "line 2: the edit would also change this line"},
		"one too few":      {"\n  tag: v2", "line 2: the edit would also change this line"},
		"one too many":     {"\n  tag: v2\n  digest: sha256:ab\n  x: 1", "line 2: the edit would also change this line"},
		"a comment":        {"\n  tag: v2\n  digest: sha256:ab # x", "line 2: the edit would also change this line"},
		"a comment inside": {"\n  tag: v2 # x\n  digest: sha256:ab", "line 2: the edit would also change this line"},
		"a line":           {"\n\n  tag: v2\n  digest: sha256:ab", "line 3: the edit would also change this line"},
		"elsewhere":        {"\n  pull: always\ntag: v2\ndigest: sha256:ab\nx:", "line 2: the edit would also change this line"},
	} {
		text, s, err := scalarAt(src, "image.repository")
		if err != nil {
			t.Fatal(err)
		}
		e, err := s.InsertBehind(Entry{"tag", "v2"}, Entry{"digest", "sha256:ab"})
		if err != nil {
			t.Fatal(err)
		}
		e.New = test.text
		if after, err := text.Apply(e); words(err) != test.want {
			t.Errorf("%s: %q, %q\nwant %q", name, after, words(err), test.want)
		}
	}
}

// TestApplyRefusesEditsOfOtherPlaces holds that an edit is bound to its text and
// its scalar.
func TestApplyRefusesEditsOfOtherPlaces(t *testing.T) {
	text, s, err := scalarAt("a: v1\nb: v1\n", "a")
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Replace("v2")
	if err != nil {
		t.Fatal(err)
	}
	insert, err := s.InsertBehind(Entry{"c", "v3"})
	if err != nil {
		t.Fatal(err)
	}
	shifted := e
	shifted.Start, shifted.End = 9, 11
	same, err := s.Replace("v1")
	if err != nil {
		t.Fatal(err)
	}
	same.Start, same.End = 9, 11
	longer := e
	longer.End = 100
	for want, edits := range map[string][]Edit{
		"the edit of bytes 0 to 1 was not made by Replace":           {{Start: 0, End: 1, New: "x"}},
		"line 1: two edits overlap":                                  {e, e},
		"line 1: the edit was made for another text":                 {longer},
		`line 1: the edited value would read "v1" (!!str), not "v2"`: {shifted},
		"line 1: the edit would write more than the value":           {same},
	} {
		if _, err := text.Apply(edits...); words(err) != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	for src, want := range map[string]string{
		"a: w1\nb: v1\n": "line 1: the edit was made for another text",
		"#: v1\nb: v1\n": "an edit's value was not found again",
		"a: v1":          "", // another text, but the same bytes at the same place
	} {
		other, err := Parse([]byte(src))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := other.Apply(e); words(err) != want {
			t.Errorf("%q: %v\nwant %s", src, err, want)
		}
	}
	if _, err := text.Apply(insert, insert); words(err) != "line 2: the edit would also change this line" {
		t.Errorf("two insertions at one place: %v", err)
	}
	last, s, err := scalarAt("a: x\n", "a")
	if err != nil {
		t.Fatal(err)
	}
	two, err := s.InsertBehind(Entry{"b", "12"}, Entry{"c", "v3"})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"\nb: \"12\"\nc: v3": "",
		"\nb: 12\nc: v3":     "line 1: the edit would also change this line",
		"\nb: \"12\"":        "line 1: the edit would also change this line",
	} {
		two.New = text
		if _, err := last.Apply(two); words(err) != want {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
	after, err := text.Apply(insert, e)
	if want := "a: v2\nc: v3\nb: v1\n"; err != nil || string(after) != want {
		t.Errorf("%q, %v; want %q", after, err, want)
	}
	if same, err := text.Apply(); err != nil || string(same) != "a: v1\nb: v1\n" {
		t.Errorf("without edits: %q, %v", same, err)
	}
}

// TestTwoEditsOfOneValueAreRefused edits both sides of a template action.
func TestTwoEditsOfOneValueAreRefused(t *testing.T) {
	text, s, err := scalarAt("{{ if .x }}\na: \"r1/{{ .name }}:v1\"\n{{ end }}\n", "a")
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.Replace("r2/{{ .name }}:v1")
	if err != nil {
		t.Fatal(err)
	}
	second, err := s.Replace("r1/{{ .name }}:v2")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := text.Apply(first, second); words(err) != "line 2: has two edits" {
		t.Error(err)
	}
}

// TestAPositionThatIsWrongIsRefused plays a parser that tells a wrong place.
func TestAPositionThatIsWrongIsRefused(t *testing.T) {
	const src = `a: "x\ty" # "z"` + "\nb: |\n  v1\nc: v1\n"
	text, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		node yaml.Node
		want error
	}{
		"right":           {yaml.Node{Line: 1, Column: 4, Style: yaml.DoubleQuotedStyle, Value: "x\ty"}, nil},
		"another value":   {yaml.Node{Line: 1, Column: 4, Style: yaml.DoubleQuotedStyle, Value: "xy"}, errPosition},
		"another quote":   {yaml.Node{Line: 1, Column: 4, Style: yaml.SingleQuotedStyle, Value: "x\ty"}, errPosition},
		"inside":          {yaml.Node{Line: 1, Column: 5, Style: yaml.DoubleQuotedStyle, Value: "x\ty"}, errPosition},
		"an open quote":   {yaml.Node{Line: 1, Column: 15, Style: yaml.DoubleQuotedStyle, Value: "z"}, errPosition},
		"beyond the line": {yaml.Node{Line: 9, Column: 1, Value: "x"}, errPosition},
		"beyond the text": {yaml.Node{Line: 4, Column: 900, Value: "x"}, errPosition},
		"another plain":   {yaml.Node{Line: 4, Column: 4, Value: "v2"}, errLines},
		"another block":   {yaml.Node{Line: 2, Column: 4, Style: yaml.LiteralStyle, Value: "v2\n"}, errLines},
		"a part of it":    {yaml.Node{Line: 2, Column: 4, Style: yaml.LiteralStyle, Value: "v\n"}, errLines},
	} {
		if _, err := text.token(&test.node); err != test.want {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

// TestManyEditsOfOneText holds that edits in one text, its blocks and its quotes
// are made together, each in its place.
func TestManyEditsOfOneText(t *testing.T) {
	const src = "a: v1 # one\nv: |\n  a: v1\n  l:\n  - b: {c: v1}\nw: \"a: v1\\nb: 'v1'\\n\"\nz: ['v1', v1]\n"
	text, err := Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	var edits []Edit
	var visit func(n *Node)
	visit = func(n *Node) {
		if inner := n.Embedded(); inner != nil {
			for _, root := range inner.Documents() {
				root.Walk(visit)
			}
		}
		if s, err := n.Scalar(); err == nil && s.Value == "v1" {
			e, err := s.Replace("2.0")
			if err != nil {
				t.Fatal(err)
			}
			edits = append(edits, e)
			if n.Key() == "a" {
				e, err := s.InsertBehind(Entry{"new", "on"})
				if err != nil {
					t.Fatal(err)
				}
				edits = append(edits, e)
			}
		}
	}
	text.Documents()[0].Walk(visit)
	after, err := text.Apply(edits...)
	const want = "a: \"2.0\" # one\nnew: \"on\"\nv: |\n  a: \"2.0\"\n  new: \"on\"\n  l:\n  - b: {c: \"2.0\"}\n" +
		"w: \"a: \\\"2.0\\\"\\nnew: \\\"on\\\"\\nb: '2.0'\\n\"\nz: ['2.0', \"2.0\"]\n"
	if err != nil || string(after) != want {
		t.Errorf("got\n%s%v\nwant\n%s", after, err, want)
	}
	if len(edits) != 10 || strings.Count(want, "2.0") != 7 {
		t.Errorf("%d edits", len(edits))
	}
}

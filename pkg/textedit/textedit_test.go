package textedit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// edit replaces the only value at path in the file with that name.
func edit(name, src, path, value string) (string, error) {
	p, err := keypath.Parse(path)
	if err != nil {
		return "", err
	}
	text, err := Open(name, []byte(src))
	if err != nil {
		return "", err
	}
	nodes, err := text.Find(p)
	if err != nil {
		return "", err
	}
	if err := nodes[0].CheckKeys(); err != nil {
		return "", err
	}
	s, err := nodes[0].Scalar()
	if err != nil {
		return "", err
	}
	e, err := s.Replace(value)
	if err != nil {
		return "", err
	}
	after, err := text.Apply(e)
	return string(after), err
}

const variables = `# images of production
image_tag    = "1.4.0" # set by the pipeline
replicas     = 2
registry     = "ghcr.io/acme"
images = {
  api      = "ghcr.io/acme/api:1.4.0"
  "worker" = { repository = "ghcr.io/acme/worker", tag = "1.4.0" }
}
sidecars = ["envoy:1.30", "agent:7"]
`

const release = `locals {
  image = "${var.registry}/api:1.4.0"
}

resource "helm_release" "api" {
  chart   = "api"
  version = "0.3.1"
  values = [yamlencode({
    image = { tag = "1.4.0", digest = var.digest }
  })]

  set {
    name  = "image.tag"
    value = "1.4.0"
  }
  set {
    name  = "replicas"
    value = 3
  }
}

resource "helm_release" "worker" {
  version = "0.3.1"
}
`

func TestOneValueOfAFileIsReplaced(t *testing.T) {
	for name, test := range map[string]struct{ file, src, path, value, old, new string }{
		"YAML":                {"values.yaml", "image:\n  tag: v1 # x\n", "image.tag", "v2", "v1", "v2"},
		"gomplate":            {"values.yaml.gotmpl", "image:\n  tag: v1\n  x: {{ .x }}\n", "image.tag", "v2", "v1", "v2"},
		"another template":    {"deploy.tplt", "{{ if .x }}\nimage: api:1\n{{ end }}\n", "image", "api:2", "api:1", "api:2"},
		"Kustomization":       {"apps/Kustomization", "images:\n- name: api\n  newTag: v1\n", "images[name=api].newTag", "v2", "v1", "v2"},
		"no ending, YAML":     {"deploy/versions", "api: v1\nweb: v1\n", "web", "v2", "web: v1", "web: v2"},
		"no ending, lines":    {"deploy/versions", "API=v1\nWEB=v1\n", "WEB", "v2", "WEB=v1", "WEB=v2"},
		"JSON":                {"config.json", "{\n\t\"web\": {\"image_version\" : \"v1\"},\n\t\"n\": 1e3\n}\n", "web.image_version", "v2", `"v1"`, `"v2"`},
		"JSON, a number":      {"config.json", `{"tag": 12, "x": [1, 12]}`, "tag", "13", `"tag": 12`, `"tag": "13"`},
		"JSON, null":          {"config.json", `{"tag":null}`, "tag", "v2", "null", `"v2"`},
		"JSON, a character":   {"config.json", `{"a": "\ud83d\ude00\ud800", "\ude00": {"t\/": "\/"}}`, "a", "2", `"\ud83d\ude00\ud800"`, `"2"`},
		"JSON, slashes":       {"config.json", `{"web": "acme\/web:1"}`, "web", "acme/web:2", `acme\/web:1`, "acme/web:2"},
		"JSON, escapes":       {"config.json", `{"a": "\ud83d\ude00 \/ \u00e9", "tag": "\u0076\/1"}`, "tag", `a"b\c`, `"\u0076\/1"`, `"a\"b\\c"`},
		"JSON, one line":      {"a.json", `[{"name":"x","image":"a/x:1"},{"name":"y","image":"a/x:1"}]`, "[name=y].image", "a/x:2", `"y","image":"a/x:1"`, `"y","image":"a/x:2"`},
		"JSON, byte order":    {"a.json", "\ufeff{\"a\": \"1\"}", "a", "2", `"1"`, `"2"`},
		"tfvars":              {"prod.tfvars", variables, "image_tag", "1.5.0", `image_tag    = "1.4.0"`, `image_tag    = "1.5.0"`},
		"tfvars, map":         {"prod.tfvars", variables, "images.api", "ghcr.io/acme/api:1.5.0", "api:1.4.0", "api:1.5.0"},
		"tfvars, quoted key":  {"prod.tfvars", variables, "images.worker.tag", "1.5.0", `tag = "1.4.0"`, `tag = "1.5.0"`},
		"tfvars, list":        {"prod.tfvars", variables, "sidecars[0]", "envoy:1.31", "envoy:1.30", "envoy:1.31"},
		"tfvars, a number":    {"prod.tfvars", variables, "replicas", "3", "= 2", `= "3"`},
		"tfvars, CR LF":       {"prod.tfvars", "a = \"1\"\r\nb = \"1\"\r\n", "b", "2", "b = \"1\"", "b = \"2\""},
		"tfvars, escapes":     {"prod.tfvars", "a = \"x\\\"$${y}\"\n", "a", `"${z}`, `"x\"$${y}"`, `"\"$${z}"`},
		"HCL, interpolation":  {"main.tf", release, "locals.image", "${var.registry}/api:1.5.0", "api:1.4.0", "api:1.5.0"},
		"HCL, labels":         {"main.tf", release, "resource.helm_release.worker.version", "0.3.2", "\"worker\" {\n  version = \"0.3.1\"", "\"worker\" {\n  version = \"0.3.2\""},
		"HCL, repeated block": {"main.tf", release, `resource.helm_release.api.set[name="image.tag"].value`, "1.5.0", "value = \"1.4.0\"", "value = \"1.5.0\""},
		"HCL, yamlencode":     {"main.tf", release, "resource.helm_release.api.values[0].image.tag", "1.5.0", "tag = \"1.4.0\"", "tag = \"1.5.0\""},
		"HCL, parentheses":    {"job.hcl", "a = (\"1\")\n", "a", "2", `"1"`, `"2"`},
		"HCL, one line":       {"job.hcl", "a { b = \"1\" }\nc = <<-X\n  ${d(\nX\n)}\n  X\nb = \"1\"\n", "b", "2", "X\nb = \"1\"", "X\nb = \"2\""},
		"HCL, a comment":      {"job.hcl", "a = /* b = \"1\" */ \"1\" /* c */ // d\n", "a", "2", "*/ \"1\"", "*/ \"2\""},
		"HCL, odd keys":       {"job.hcl", "a = { \"b c\" : \"x\", 1 = \"y\", (d) = \"z\", e-f = \"1\"\n}\n", "a.e-f", "2", `"1"`, `"2"`},
		"HCL, a call":         {"job.hcl", "a = merge(x::y([1, 2]...), { b = 1 })\nb = \"1\"\n", "b", "2", `"1"`, `"2"`},
		"HCL, byte order":     {"job.hcl", "\ufeffa = \"1\"\n", "a", "2", `"1"`, `"2"`},
		"HCL, empty":          {"job.hcl", "a = \"\"\n", "a", "2", `""`, `"2"`},
		"lines":               {".env", "# x\nexport TAG=v1 # y\nB='v1'\n", "TAG", "v2", "TAG=v1", "TAG=v2"},
		"lines, single":       {".env.prod", "TAG='v1' # y\nB=\n", "TAG", "v 2", "'v1'", "'v 2'"},
		"lines, double":       {"prod.env", "A=1\nTAG = \"v1\"\r\nB=2\r\n", "TAG", "v2", `"v1"`, `"v2"`},
		"lines, empty":        {".env", "TAG=\nB=v1\n", "TAG", "v2", "TAG=", "TAG=v2"},
		"lines, empty, space": {".env", "TAG= # none\nB=v1\n", "TAG", "v2", "TAG=", "TAG=v2"},
		"lines, expression":   {".env", "WEB_IMAGE=${REGISTRY}/web:v1\n", "WEB_IMAGE", "${REGISTRY}/web:v2", ":v1", ":v2"},
		"lines, two lines":    {".env", "KEY=\"a\nTAG=v0\nb\"\nTAG=v1\n", "TAG", "v2", "TAG=v1", "TAG=v2"},
		"lines, at the end":   {".env", "A=1\nTAG=v1", "TAG", "v2", "v1", "v2"},
		"lines, no comment":   {".env", "TAG=v1#x\n", "TAG", "v2", "v1#x", "v2"},
	} {
		want := strings.Replace(test.src, test.old, test.new, 1)
		got, err := edit(test.file, test.src, test.path, test.value)
		if err != nil || got != want || got == test.src {
			t.Errorf("%s: got\n%s%v\nwant\n%s", name, got, err, want)
		}
	}
}

func TestRefusalsNameTheReason(t *testing.T) {
	for name, test := range map[string]struct{ file, src, path, value, want string }{
		"JSON, comment":         {"a.json", "{\n// x\n}", "a", "2", "line 2: is not JSON: invalid character '/' looking for beginning of object key string"},
		"JSON, two values":      {"a.json", "{}\n{}", "a", "2", "line 2: is not JSON: invalid character '{' after top-level value"},
		"JSON, empty":           {"a.json", "", "a", "2", "line 1: is not JSON: unexpected end of JSON input"},
		"JSON, repeated key":    {"a.json", "{\"a\": \"1\",\n\"a\": \"1\"}", "a", "2", "a: is defined 2 times (lines 1 and 2)"},
		"JSON, repeated above":  {"a.json", `{"b": {}, "b": {"a": "1"}}`, "b.a", "2", "b: is defined 2 times (lines 1 and 1)"},
		"JSON, line break":      {"a.json", `{"a": "1"}`, "a", "2\n", `a: line 1: the new value "2\n" has a line break, a control character or is not UTF-8`},
		"JSON, UTF-16":          {"a.json", "\xff\xfe{\x00", "a", "2", "is UTF-16"},
		"JSON, an object":       {"a.json", `{"a": {}}`, "a", "2", "a: line 1: is a mapping, not a value"},
		"JSON, signed":          {"a.json", `{"a": "1", "sops": {"mac": "x"}}`, "a", "2", "line 1: the file is signed by SOPS, which rejects it after any other edit"},
		"HCL, no HCL":           {"a.tfvars", "a = \nb\n", "a", "2", "line 1: cannot be parsed as HCL: a value is missing"},
		"HCL, repeated key":     {"a.tfvars", "a = \"1\"\na = \"1\"\n", "a", "2", "a: is defined 2 times (lines 1 and 2)"},
		"HCL, repeated field":   {"a.tfvars", "x = {\n  a = \"1\"\n  a = \"1\"\n}\n", "x.a", "2", "x.a: is defined 2 times (lines 2 and 3)"},
		"HCL, variable":         {"a.tf", "a = var.tag\n", "a", "2", "a: line 1: is computed by an expression"},
		"HCL, variable alone":   {"a.tf", "a = \"${var.tag}\"\n", "a", "2", "a: line 1: is computed by an expression"},
		"HCL, function":         {"a.tf", "a = upper(\"x\")\n", "a", "2", "a: line 1: is computed by an expression"},
		"HCL, several lines":    {"a.tf", "a = cond ? \"x\" : upper(\n\"y\")\nb = \"1\"\n", "a", "2", "a: line 1: is computed by an expression"},
		"HCL, heredoc":          {"a.tf", "a = <<EOT\nx\nEOT\n", "a", "2", "a: line 1: goes over several lines"},
		"HCL, other expression": {"a.tf", "a = \"${var.r}/x:1\"\n", "a", "${var.q}/x:1", "a: line 1: the new value cannot be written here"},
		"HCL, mixed escapes":    {"a.tf", "a = \"${var.r}\\n:1\"\n", "a", "x", "a: line 1: has escapes beside an expression"},
		"HCL, a block":          {"a.tf", "b {\n}\n", "b", "2", "b: line 1: is a mapping, not a value"},
		"HCL, no key":           {"a.tf", "b {\n}\n", "b.c", "2", `b.c: line 1: not found: b has no key "c"`},
		"HCL, two values":       {"a.tf", "a = \"1\" \"2\"\n", "a", "2", "line 1: cannot be parsed as HCL: a line has more than one definition"},
		"HCL, no name":          {"a.tf", "a = 1\n= 2\n", "a", "2", "line 2: cannot be parsed as HCL: the name of an attribute or a block is missing"},
		"HCL, half a block":     {"a.tf", "a \"b\" = 1\n", "a", "2", "line 1: cannot be parsed as HCL: after a, neither = nor a block follows"},
		"HCL, open block":       {"a.tf", "a {\n b = 1\n", "a", "2", "line 3: cannot be parsed as HCL: a } is missing"},
		"HCL, open list":        {"a.tf", "a = [1,\n2", "a", "2", "line 2: cannot be parsed as HCL: a ] is missing"},
		"HCL, open comment":     {"a.tf", "a = 1 /* x\n", "a", "2", "line 1: cannot be parsed as HCL: a comment is not closed"},
		"HCL, open heredoc":     {"a.tf", "a = <<EOT\nx\n", "a", "2", "line 1: cannot be parsed as HCL: a heredoc has no line EOT"},
		"HCL, heredoc's name":   {"a.tf", "a = <<EOT x\nEOT\n", "a", "2", "line 1: cannot be parsed as HCL: the first line of a heredoc is more than << and a name"},
		"HCL, open string":      {"a.tf", "a = \"x\nb = \"1\"\n", "b", "2", "line 1: cannot be parsed as HCL: a string is not closed on its line"},
		"HCL, open escape":      {"a.tf", "a = \"x\\", "a", "2", "line 1: cannot be parsed as HCL: a string is not closed on its line"},
		"HCL, unknown escape":   {"a.tf", "a = \"\\x\"\n", "a", "2", `line 1: cannot be parsed as HCL: \x is not an escape`},
		"HCL, short escape":     {"a.tf", "a = \"\\u12\"\n", "a", "2", `line 1: cannot be parsed as HCL: \u needs 4 digits`},
		"HCL, odd brackets":     {"a.tf", "a = x[(1]\n", "a", "2", "line 1: cannot be parsed as HCL: a ) is missing"},
		"HCL, field":            {"a.tf", "a = {\n  b \"1\"\n}\n", "a", "2", "line 2: cannot be parsed as HCL: a field of an object has neither = nor :"},
		"HCL, fields":           {"a.tf", "a = { b = 1 c = 2 }\n", "a", "2", "line 1: cannot be parsed as HCL: neither a comma nor a line break is after the field of an object"},
		"HCL, choice":           {"a.tf", "a = x ? y\n", "a", "2", "line 1: cannot be parsed as HCL: a ? has no :"},
		"HCL, dot":              {"a.tf", "a = x.\n", "a", "2", "line 1: cannot be parsed as HCL: a name is missing after the dot"},
		"HCL, label":            {"a.tf", "a \"${x}\" {\n}\n", "a", "2", "line 1: cannot be parsed as HCL: a label of a block is an expression"},
		"HCL, list of a for":    {"a.tf", "a = [for x in y : \"1\"]\n", "a", "2", "a: line 1: is computed by an expression"},
		"HCL, object of a for":  {"a.tf", "a = {\n  for x in y :\n  x => \"}\" # }\n}\n", "a", "2", "a: line 1: is computed by an expression"},
		"HCL, part of a list":   {"a.tf", "a = [\"1\"][0]\n", "a", "2", "a: line 1: is computed by an expression"},
		"HCL, sum":              {"a.tf", "a = \"1\" + 2 // x\n", "a", "2", "a: line 1: is computed by an expression"},
		"HCL, deep":             {"a.tf", "a = " + strings.Repeat("[", 300) + strings.Repeat("]", 300), "a", "2", "line 1: is nested deeper than 200 levels"},
		"HCL, signs":            {"a.tf", "a = " + strings.Repeat("!", 300) + "true", "a", "2", "a: line 1: is computed by an expression"},
		"HCL, choices":          {"a.tf", "a = " + strings.Repeat("x ? y : ", 11000) + "z", "a", "2", "a: line 1: is computed by an expression"},
		"lines, not one":        {".env", "A=1\nthis is text\n", "A", "2", "line 2: is not KEY=value"},
		"lines, concatenation":  {".env", "A='x'y\n", "A", "2", "A: line 1: has text after its quotes"},
		"lines, quote inside":   {".env", "A=x'y'\n", "A", "2", "A: line 1: has quotes or escapes inside"},
		"lines, open":           {".env", "A='x\nB=1\n", "A", "2", "A: line 1: has a quote that is not closed"},
		"lines, several":        {".env", "A=\"x\ny\"\n", "A", "2", "A: line 1: goes over several lines"},
		"lines, escapes":        {".env", `A="x\"y"`, "A", "2", "A: line 1: has escapes, which readers take differently"},
		"lines, needs quotes":   {".env", "A=x\n", "A", "2 3", "A: line 1: the new value cannot be written here"},
		"lines, quote in value": {".env", "A='x'\n", "A", "it's", "A: line 1: the new value cannot be written here"},
		"lines, a variable":     {".env", "A=x\n", "A", "$B", "A: line 1: the new value cannot be written here"},
		"lines, repeated":       {".env", "A=x\nA=y\n", "A", "2", "A: is defined 2 times (lines 1 and 2)"},
		"lines, signed":         {".env", "A=x\nsops_mac=ENC[x]\n", "A", "2", "line 2: the file is signed by SOPS, which rejects it after any other edit"},
		"lines, encrypted":      {".env", "A=ENC[AES256_GCM,data:x]\n", "A", "2", "A: line 1: is encrypted by SOPS"},
		"no ending":             {"Makefile", "all:\n\tgo build\n", "all", "2", "is neither YAML nor lines of KEY=value"},
		"no ending, a text":     {"VERSION", "1.2.3\n", "a", "2", "a: not found: the document is not a mapping"},
		"no ending, sealed":     {"secret", "\x00GITCRYPT\x00xx", "a", "2", "is encrypted by git-crypt"},
		"no ending, lines":      {"secret", "A=B\nsops_mac=x\n", "A", "2", "line 2: the file is signed by SOPS, which rejects it after any other edit"},
	} {
		_, err := edit(test.file, test.src, test.path, test.value)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s: %v\nwant %s", name, err, test.want)
		}
		var located *yamledit.Error
		if !errors.As(err, &located) {
			t.Errorf("%s: %T", name, err)
		}
	}
}

func TestNamesTellTheFormat(t *testing.T) {
	for name, want := range map[string]bool{
		"values.yaml": true, "a/b.YML": true, "_helpers.tpl": true, "x.yaml.gotmpl": true, "Kustomization": true, "config.json": true,
		"prod.auto.tfvars": true, "main.tf": true, ".env": true, "a/.env.local": true, "prod.env": true,
		"Makefile": false, "README.md": false, "x.jsonnet": false, "environment": false, "a.env/b": false,
	} {
		if (formatOf(name) != nil) != want {
			t.Errorf("%q tells a format: %t", name, !want)
		}
	}
}

// TestValuesAreRead holds what values read as, and what a reader computes.
func TestValuesAreRead(t *testing.T) {
	for file, want := range map[string]string{
		"a.tfvars|a = var.x\nb = \"${var.y}\"\nc = 1.5\nd = \"\\u00e9$${x}\"\ne = \"%{ if x }y%{ endif }\"\n": "a=${var.x} b=${var.y} c=1.5 d=é${x} e=%{ if x }y%{ endif }",
		"a.tf|a = upper(\n\"x\")\nb = null\nc = {(x) = \"y\", d = true, 1 = \"z\"}\n":                         "a=${…} b=null c.d=true c.1=z",
		"a.tf|x \"l\" {\n a = \"1\"\n}\nx {\n b = \"2\"\n}\n":                                                 "x.l.a=1 x.b=2",
		".env|A=\nexport B = \"x y\" # z\nC='$D'\nE=${F:-g} # h\n\n#I=j\n":                                    "A= B=x y C=$D E=${F:-g}",
		"a.json|{\"a\": [true, null, \"\\u00e9\"], \"b\": {}}":                                                "a[0]=true a[1]= a[2]=é",
	} {
		name, src, _ := strings.Cut(file, "|")
		text, err := Open(name, []byte(src))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		text.Documents()[0].Walk(func(n *yamledit.Node) {
			if n.IsScalar() {
				got = append(got, n.Path().String()+"="+n.Value())
			}
		})
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %s\nwant %s", name, strings.Join(got, " "), want)
		}
	}
}

// TestAForeignReadBackIsHeld spoils edits as a fault of a format's writer would.
func TestAForeignReadBackIsHeld(t *testing.T) {
	for name, test := range map[string]struct{ file, src, path, spoiled, want string }{
		"HCL, comment":      {"a.tf", "a = \"1\"\nb = \"1\"\n", "a", `"2" # x`, "line 1: the edit would write more than the value"},
		"HCL, attribute":    {"a.tf", "a = \"1\"\nb = \"1\"\n", "a", "\"2\"\nc = 1", "line 2: the edit would also change this line"},
		"HCL, number":       {"a.tf", "a = \"1\"\nb = \"1\"\n", "a", "2", `line 1: the edited value would read "2" (!!other), not "2"`},
		"HCL, other":        {"a.tf", "a = \"1\"\nb = \"1\"\n", "a", `"3"`, `line 1: the edited value would read "3" (!!str), not "2"`},
		"HCL, broken":       {"a.tf", "a = \"1\"\nb = \"1\"\n", "a", `"`, "the edited text line 1: cannot be parsed as HCL: a string is not closed on its line"},
		"lines, comment":    {".env", "A=1\nB=1\n", "A", "2 # x", "line 1: the edit would write more than the value"},
		"lines, a variable": {".env", "A=1\nB=1\n", "A", "2\nC=1", "line 2: the edit would also change this line"},
		"lines, empty":      {".env", "A=\nB=1\n", "A", "2 # x", "line 1: the edit would write more than the value"},
		"JSON, a key":       {"a.json", `{"a": "1", "b": "1"}`, "a", `2", "c": "1`, "line 1: the edit would also change this line"},
		"JSON, YAML":        {"a.json", `{"a": "1", "b": "1"}`, "a", `2" #`, "the edited text line 1: is not JSON: invalid character '#' after object key:value pair"},
	} {
		text, err := Open(test.file, []byte(test.src))
		if err != nil {
			t.Fatal(name, err)
		}
		s, err := text.Documents()[0].Field(test.path).Scalar()
		if err != nil {
			t.Fatal(name, err)
		}
		e, err := s.Replace("2")
		if err != nil {
			t.Fatal(name, err)
		}
		e.New = test.spoiled
		if _, err := text.Apply(e); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v\nwant %s", name, err, test.want)
		}
	}
}

func ExampleOpen() {
	const src = `# production
image_tag = "1.4.0" # set by the pipeline
replicas  = 2
`
	text, err := Open("prod.tfvars", []byte(src))
	if err != nil {
		fmt.Println(err)
		return
	}
	tag, err := text.Documents()[0].Field("image_tag").Scalar()
	if err != nil {
		fmt.Println(err)
		return
	}
	edit, err := tag.Replace("1.5.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := text.Apply(edit)
	fmt.Printf("%s%v\n", after, err)
	// Output:
	// # production
	// image_tag = "1.5.0" # set by the pipeline
	// replicas  = 2
	// <nil>
}

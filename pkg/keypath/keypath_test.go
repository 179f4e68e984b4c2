package keypath

import (
	"errors"
	"fmt"
	"testing"
)

// TestSpellings holds that each text is read as the path that String writes on the
// right, and that this one is read as the same path again.
func TestSpellings(t *testing.T) {
	for text, want := range map[string]string{
		"image.tag":    "image.tag",
		".image.tag":   "image.tag",
		"$.image.tag":  "image.tag",
		"$['image'].t": "image.t",
		"$.a[0].b":     "a[0].b",
		"a[0].b":       "a[0].b",
		"a.[0].b":      "a[0].b",
		"a.0.b":        "a.0.b",
		"[2]":          "[2]",
		`a["b"]`:       "a.b",

		"spec.containers[name=web].image":            "spec.containers[name=web].image",
		"spec.containers.[name=web].image":           "spec.containers[name=web].image",
		`spec.containers[?(@.name=="web")].image`:    "spec.containers[name=web].image",
		`spec.containers[?(@.name == 'web')].image`:  "spec.containers[name=web].image",
		`spec.containers[?@.spec.name=='web'].image`: "spec.containers[spec.name=web].image",
		"apps[chart.name=java].values.tag":           "apps[chart.name=java].values.tag",
		`apps["chart.name"=java].tag`:                `apps["chart.name"=java].tag`,
		"apps[ name = java ].tag":                    "apps[name=java].tag",
		"l[name=a,b]":                                `l[name="a,b"]`,
		"l[name=a b]":                                `l[name="a b"]`,
		`a["x y"="v]w"].b`:                           `a["x y"="v]w"].b`,
		"l[ref=acme/web:v1@x]":                       "l[ref=acme/web:v1@x]",
		"l[v=1.2]":                                   `l[v="1.2"]`,

		`labels."app.kubernetes.io/version"`:      `labels."app.kubernetes.io/version"`,
		`labels.'app.kubernetes.io/version'`:      `labels."app.kubernetes.io/version"`,
		`labels['app.kubernetes.io/version']`:     `labels."app.kubernetes.io/version"`,
		`labels["app.kubernetes.io/version"]`:     `labels."app.kubernetes.io/version"`,
		`labels.app\.kubernetes\.io/version`:      `labels."app.kubernetes.io/version"`,
		`.labels["app.kubernetes.io/version"].x`:  `labels."app.kubernetes.io/version".x`,
		`a['it\'s'].b\\c`:                         `a."it's"."b\\c"`,
		`a['b\c']`:                                `a."b\\c"`,
		`a\ b`:                                    `"a b"`,
		"*.image.tag":                             "*.image.tag",
		`"*".b`:                                   `"*".b`,
		`\*.b`:                                    `"*".b`,
		"images[*].newTag":                        "images[*].newTag",
		".images[].newTag":                        "images[*].newTag",
		"spec.source.helm.values | image.tag":     "spec.source.helm.values | image.tag",
		"spec.values|.image.tag":                  "spec.values | image.tag",
		"data.\"x.yaml\" | [0].image":             `data."x.yaml" | [0].image`,
		"a | b | c":                               "a | b | c",
		"(kind=Deployment).spec.replicas":         "(kind=Deployment).spec.replicas",
		"( kind = Job , metadata.name = x ).spec": "(kind=Job,metadata.name=x).spec",
		`(metadata.name="a,b")[0]`:                `(metadata.name="a,b")[0]`,
		"(kind=Job)":                              "(kind=Job)",
		`(metadata.labels."a.b/c"=x).a`:           `(metadata.labels."a.b/c"=x).a`,
		"$x.y":                                    `"$x".y`,
		"é[name=ö].ü":                             "é[name=ö].ü",
	} {
		p, err := Parse(text)
		if err != nil {
			t.Errorf("Parse(%q): %v", text, err)
			continue
		}
		if p.String() != want {
			t.Errorf("Parse(%q) = %s, want %s", text, p, want)
		}
		again, err := Parse(p.String())
		if err != nil || fmt.Sprintf("%#v", again) != fmt.Sprintf("%#v", p) {
			t.Errorf("Parse(%q).String() = %q, which reads as %#v, %v", text, p, again, err)
		}
	}
}

func TestSyntaxErrorsPointAtThePlace(t *testing.T) {
	for text, want := range map[string]string{
		"": `not a key path: a key is missing here
    
    ^`,
		"image..tag": `not a key path: a key is missing here
    image..tag
          ^`,
		"image.": `not a key path: a key is missing here
    image.
          ^`,
		"l[x].tag": `not a key path: "x" is not an index; want [0], [name=web] or [*]
    l[x].tag
      ^`,
		"l[-1]": `not a key path: "-1" is not an index; want [0], [name=web] or [*]
    l[-1]
      ^`,
		"l[a.b]": `not a key path: "a.b" is not an index; want [0], [name=web] or [*]
    l[a.b]
      ^`,
		"l[0": `not a key path: want ]
    l[0
       ^`,
		"l[0]tag": `not a key path: want a dot, [ or | before the next key
    l[0]tag
        ^`,
		`é."b`: `not a key path: the quote is not closed, or has an unknown escape
    é."b
      ^`,
		`a.'b`: `not a key path: the quote is not closed
    a.'b
      ^`,
		"values |": `not a key path: a key is missing here
    values |
            ^`,
		"| a": `not a key path: a key is missing here
    | a
    ^`,
		"l[name=]": `not a key path: a value is missing here
    l[name=]
           ^`,
		"(kind=Job": `not a key path: want )
    (kind=Job
             ^`,
		"(kind).a": `not a key path: want = and a value
    (kind).a
         ^`,
		"a.(kind=Job)": `not a key path: a key is missing here
    a.(kind=Job)
      ^`,
		"(kind=Job)spec": `not a key path: want a dot, [ or | before the next key
    (kind=Job)spec
              ^`,
		"l[?(name=web)]": `not a key path: want [?(@.name=="web")]
    l[?(name=web)]
        ^`,
		`l[?(@.name=="web"]`: `not a key path: want )
    l[?(@.name=="web"]
                     ^`,
		`a\`: `not a key path: nothing follows the backslash
    a\
      ^`,
		"a\n b": `not a key path: want a dot, [ or | before the next key
    a? b
       ^`,
	} {
		_, err := Parse(text)
		var syntax *SyntaxError
		if !errors.As(err, &syntax) || err.Error() != want {
			t.Errorf("Parse(%q): %v\nwant %s", text, err, want)
		}
	}
}

func TestPathsAreBuiltAndTakenApart(t *testing.T) {
	p := Path{}.Child("spec").With(ItemNamed("name", "web"), Step{Kind: Index, Index: 3}).Child("a.b")
	if want := `spec[name=web][3]."a.b"`; p.String() != want || p.Key() != "a.b" {
		t.Errorf("%s, key %q; want %s", p, p.Key(), want)
	}
	first, second := p.Parent().Child("x"), p.Parent().Child("y")
	if first.String() != "spec[name=web][3].x" || second.String() != "spec[name=web][3].y" {
		t.Errorf("two children of one path are %s and %s", first, second)
	}
	if p.Parent().Key() != "" || !(Path{}).Parent().IsZero() || (Path{}).Key() != "" {
		t.Error("an item or the root has a key")
	}
	if !Of(p.Steps()...).Equal(p) || p.Equal(first) {
		t.Error("Of and Steps do not give the same path")
	}
}

func TestPathsAreEqualStepByStep(t *testing.T) {
	all := []string{
		"a.b", "a.c", "a", "a.b.c", `"a.b"`, "a[0]", "a[1]", "a[*]", "a.*", "a | b",
		"a[b=c]", "a[b=d]", "a[c=c]", "a[b.c=d]", `a["b.c"=d]`, "(a=b).c", "(a=b,c=d).c",
	}
	for i, first := range all {
		for j, second := range all {
			p, err := Parse(first)
			if err != nil {
				t.Fatal(err)
			}
			q, err := Parse(second)
			if err != nil {
				t.Fatal(err)
			}
			if p.Equal(q) != (i == j) {
				t.Errorf("%s and %s: %t", first, second, i != j)
			}
		}
	}
}

func ExampleParse() {
	for _, text := range []string{"image.tag", "spec.containers[?(@.name=='web')].image", `labels['app.io/version']`} {
		path, err := Parse(text)
		fmt.Println(path, err)
	}
	_, err := Parse("containers[web].image")
	fmt.Println(err)
	// Output:
	// image.tag <nil>
	// spec.containers[name=web].image <nil>
	// labels."app.io/version" <nil>
	// not a key path: "web" is not an index; want [0], [name=web] or [*]
	//     containers[web].image
	//                ^
}

// FuzzParse holds that what a path is written as reads back as the same path.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{"a.b", `a["b.c"]`, "l[x.y=z] | (k)", "(kind=A,b.c=d).e", `\$."\x00"`, "[?(@.a=='b')]", "*[*][]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse(text)
		if err != nil {
			_ = err.Error()
			return
		}
		again, err := Parse(p.String())
		if err != nil || fmt.Sprintf("%#v", again) != fmt.Sprintf("%#v", p) {
			t.Fatalf("%q is written %q, which reads as %#v, %v", text, p, again, err)
		}
	})
}

func TestPlain(t *testing.T) {
	for key, want := range map[string]string{
		"imageTag": "imagetag", "image_tag": "imagetag", "image-tag": "imagetag", "IMAGE.TAG": "imagetag", "": "", "é-É": "éé",
	} {
		if got := Plain(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}

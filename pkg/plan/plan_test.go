package plan

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/image"
)

// TestMakeOnAnotherTree makes a plan on a tree that has moved on since Find.
func TestMakeOnAnotherTree(t *testing.T) {
	const found = "a: 1\n---\nimage:\n  repository: acme/web\n  pullPolicy: Always\n"
	for name, test := range map[string]struct {
		now   string // "" for no file
		after string
		err   string
	}{
		"the same": {
			now:   found,
			after: "a: 1\n---\nimage:\n  repository: acme/web\n  tag: v2\n  pullPolicy: Always\n",
		},
		"somebody put the tag in": {
			now:   "image:\n  tag: v1\n  repository: acme/web\n",
			after: "image:\n  tag: v2\n  repository: acme/web\n",
		},
		"another image": {
			now: "image:\n  repository: acme/api\n  tag: v1\n",
			err: `a.yaml: image.tag: line 3: holds the image "acme/api", not "acme/web"`,
		},
		"in two other documents": {
			now: "a: 1\n---\nb: 1\n---\n" + "image: {repository: acme/web, tag: v1}\n---\nimage: {repository: acme/web, tag: v1}\n",
			err: "a.yaml: image.tag: is no longer in document 2, but in 2 others",
		},
		"no such key": {now: "b: 1\n", err: `a.yaml: image.tag: not found: the document has no key "image"`},
		"no file":     {err: "a.yaml: the file is not there"},
	} {
		targets, err := find(fstest.MapFS{"a.yaml": &fstest.MapFile{Data: []byte(found)}}, "acme/web")
		if err != nil || len(targets) != 1 {
			t.Fatal(targets, err)
		}
		tree := fstest.MapFS{}
		if test.now != "" {
			tree["a.yaml"] = &fstest.MapFile{Data: []byte(test.now)}
		}
		made, err := makePlan(tree, wantsOf(targets, image.Ref{Repository: "acme/web", Tag: "v2"}))
		switch {
		case test.err != "":
			if err == nil || err.Error() != test.err || !errors.Is(err, ErrNoTarget) {
				t.Errorf("%s: %v; want %s, which is ErrNoTarget", name, err, test.err)
			}
		case err != nil || string(made.Files[0].After) != test.after:
			t.Errorf("%s: %v, %v; want %q", name, made, err, test.after)
		}
	}
}

// TestMakeRefusesWants holds what Make says of wants that cannot be.
func TestMakeRefusesWants(t *testing.T) {
	tree := fstest.MapFS{"a.yaml": &fstest.MapFile{Data: []byte("image: acme/web:1\n")}}
	targets, err := find(tree, "acme/web")
	if err != nil {
		t.Fatal(err)
	}
	want := func(tag, digest string) Want {
		return Want{Target: targets[0], Ref: image.Ref{Repository: "acme/web", Tag: tag, Digest: digest}}
	}
	for text, wants := range map[string][]Want{
		"a.yaml: acme/web: neither a tag nor a digest is wanted":                                {want("", "")},
		`a.yaml: tag "a b": only letters a-z and A-Z, digits and the signs . _ - are allowed`:   {want("a b", "")},
		`a.yaml: digest "sha256:1": is not sha256: and 64 hexadecimal digits`:                   {want("2", "sha256:1")},
		`a.yaml: image: line 1: two different values are wanted, one of them "acme/web:3"`:      {want("2", ""), want("3", "")},
		`a.yaml: image: line 1: two different values are wanted, one of them "acme/web:latest"`: {want("2", ""), want("2", ""), want("latest", "")},
	} {
		if made, err := makePlan(tree, wants); err == nil || err.Error() != text {
			t.Errorf("%v, %v; want %s", made, err, text)
		}
	}
}

// TestATagThatIsSetIsNotLeft holds that a tag which an action's own default sets is not
// said to be made elsewhere.
func TestATagThatIsSetIsNotLeft(t *testing.T) {
	tree := fstest.MapFS{"web/templates/d.yaml": {Data: []byte("spec:\n  containers:\n  - image: acme/web:{{ .Values.tag | default \"1.0\" }}\n  - image: {{ .Values.image | default \"acme/web:1.0\" }}\n")}}
	x, err := Scan(tree, ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	places, err := x.Find("acme/web", FindOptions{})
	if err != nil || len(places.Targets) != 2 || len(places.Left) != 0 {
		t.Errorf("%v, targets %v, left %v", err, places.Targets, places.Left)
	}
}

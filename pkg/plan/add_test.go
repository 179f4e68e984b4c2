package plan

import (
	"errors"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
)

// TestAddition puts entries into kustomizations that lack them, and holds that
// nothing else changes.
func TestAddition(t *testing.T) {
	const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	ref := image.Ref{Repository: "ghcr.io/shop/cart", Tag: "1.10"}
	for name, test := range map[string]struct {
		before, after string
		ref           image.Ref
		err           string
	}{
		"no images": {
			before: "resources: [base]\n",
			after:  "resources: [base]\nimages:\n- name: ghcr.io/shop/cart\n  newTag: \"1.10\"\n",
		},
		"no line feed at the end": {
			before: "resources: [base]",
			after:  "resources: [base]\nimages:\n- name: ghcr.io/shop/cart\n  newTag: \"1.10\"",
		},
		"an empty file": {after: "images:\n- name: ghcr.io/shop/cart\n  newTag: \"1.10\"\n"},
		"behind others, with their indentation": {
			before: "images:\n  - name: a\n    newTag: v1 # the first\n  - name: b\n    newName: c\nresources: [base]\n",
			after:  "images:\n  - name: a\n    newTag: v1 # the first\n  - name: b\n    newName: c\n  - name: ghcr.io/shop/cart\n    newTag: \"1.10\"\nresources: [base]\n",
		},
		"carriage returns": {
			before: "images:\r\n- name: a\r\n  newTag: v1\r\n",
			after:  "images:\r\n- name: a\r\n  newTag: v1\r\n- name: ghcr.io/shop/cart\r\n  newTag: \"1.10\"\r\n",
		},
		"a digest": {
			ref:    image.Ref{Repository: ref.Repository, Tag: "v2", Digest: digest},
			before: "images:\n- name: a\n",
			after:  "images:\n- name: a\n- name: ghcr.io/shop/cart\n  newTag: \"v2\"\n  digest: " + digest + "\n",
		},
		"it is there": {before: "images:\n- name: ghcr.io/shop/cart\n  newTag: v1\n", after: "images:\n- name: ghcr.io/shop/cart\n  newTag: v1\n"},
		"in flow style": {
			before: "images: [{name: a}]\n",
			err:    "k/kustomization.yaml: images: line 1: is not a list with one entry per line",
		},
		"two documents": {before: "a: 1\n---\nb: 1\n", err: "k/kustomization.yaml: is not a kustomization: an entry cannot be added"},
		"a list":        {before: "- a\n", err: "k/kustomization.yaml: is not a kustomization: an entry cannot be added"},
		"signed":        {before: "a: 1\nsops: {mac: x}\n", err: "k/kustomization.yaml: line 2: the file is signed by SOPS, which rejects it after any other edit"},
		"no tag":        {ref: image.Ref{Repository: "a"}, before: "a: 1\n", err: "k/kustomization.yaml: a: neither a tag nor a digest is wanted"},
		"a block scalar at the end of the list": {
			before: "images:\n- name: a\n  note: |\n    one\n    two\n",
			err:    `k/kustomization.yaml: cannot be parsed near line 3: did not find expected key`,
		},
	} {
		if test.ref.Repository == "" {
			test.ref = ref
		}
		x, err := Scan(fstest.MapFS{"k/kustomization.yaml": {Data: []byte(test.before)}}, ScanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		target, err := x.Addition(test.ref.Repository, FindOptions{})
		if err != nil {
			t.Fatal(err)
		}
		made, err := x.Plan([]Want{{Target: target, Ref: test.ref, Add: true}})
		switch {
		case test.err != "":
			if err == nil || err.Error() != test.err {
				t.Errorf("%s: %v; want %s", name, err, test.err)
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case test.before == test.after:
			if !made.Empty() {
				t.Errorf("%s: %s", name, made.Diff())
			}
		case len(made.Files) != 1 || string(made.Files[0].After) != test.after:
			t.Errorf("%s:\n%s", name, made.Diff())
		}
	}
}

// TestAdditionChooses holds which kustomization an entry is for.
func TestAdditionChooses(t *testing.T) {
	x, err := Scan(fstest.MapFS{
		"a/kustomization.yaml": {Data: []byte("resources: []\n")},
		"b/kustomization.yml":  {Data: []byte("resources: []\n")},
		"b/other.yaml":         {Data: []byte("a: 1\n")},
	}, ScanOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for glob, want := range map[string]string{
		"b/*":          "b/kustomization.yml images[name=shop/cart].newTag",
		"*/*":          "shop/cart: can be added to several kustomizations: a/kustomization.yaml, b/kustomization.yml",
		"b/other.yaml": "shop/cart: no kustomization to add it to is among the files",
	} {
		target, err := x.Addition("registry/shop/cart", FindOptions{Files: files.MustSelect(glob), As: "shop/cart"})
		got := target.File + " " + target.Path.String()
		if err != nil {
			got = err.Error()
		}
		if got != want || err != nil && !errors.Is(err, ErrNoTarget) {
			t.Errorf("%s: %s; want %s", glob, got, want)
		}
	}
	if _, err := x.Addition("No Image", FindOptions{}); !errors.Is(err, image.ErrInvalid) {
		t.Error(err)
	}
}

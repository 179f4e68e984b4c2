package main

import (
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestChanged(t *testing.T) {
	const old = "a: 1\n\n---\nimage: web:1.0\n"
	tests := []struct {
		name, text string
		want       change
		err        string
	}{
		{"only the value", "a: 1\n\n---\nimage: web:1.1\n", change{1, 1, 1, 1}, ""},
		{"a line set twice, an empty line lost", "a: 1\n---\nimage: web:1.1\ntag: 1.1\n", change{1, 2, 2, 2}, ""},
		{"a separator lost", "a: 1\n\nimage: web:1.1\n", change{1, 1, 2, 1}, ""},
		{"another value", "a: 2\n\n---\nimage: web:1.0\n", change{1, 1, 1, 0}, "values.yaml: the tag is not set"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			repo := testenv.MustRepo(t, filepath.Join(t.TempDir(), "r.git"), map[string]string{"values.yaml": old})
			if _, err := repo.Commit("main", "bump", map[string]string{"values.yaml": test.text}); err != nil {
				t.Fatal(err)
			}
			got, err := changed(repo, bump{file: "values.yaml", tag: "1.1"})
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if text := errorText(err); text != test.err {
				t.Errorf("error %q, want %q", text, test.err)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestFixtureFilesNameARegistry(t *testing.T) {
	dir := fstest.MapFS{"apps/web.yaml": {Data: []byte("image: REGISTRY/acme/web:1\n")}}
	got, err := fixtureFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	if want := "image: ghcr.io/acme/web:1\n"; len(got) != 1 || got["apps/web.yaml"] != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

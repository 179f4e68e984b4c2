package config

import (
	"slices"
	"testing"
)

func TestKeysAreThoseOfTheSchema(t *testing.T) {
	var paths []string
	for _, key := range Keys() {
		if key.Meaning == "" {
			t.Errorf("%s has no meaning", key.Path)
		}
		if slices.Contains(paths, key.Path) {
			t.Errorf("%s is there twice", key.Path)
		}
		paths = append(paths, key.Path)
	}
	for _, want := range []string{
		"repository", "commit.author", "pull-request.labels", "images.NAME.match", "environments.NAME.set[].value",
		"environments.NAME.pull-request", "environments.NAME.argocd.application",
	} {
		if !slices.Contains(paths, want) {
			t.Errorf("%s is missing in %v", want, paths)
		}
	}
	if i := slices.Index(paths, "repository"); i != 0 {
		t.Errorf("repository is at %d", i)
	}
	order := Keys()[slices.Index(paths, "images.NAME.order")].Meaning
	if want := "How tags are sorted; the last one is chosen. newest goes by the images' creation times. One of: semver, numerical, alphabetical, natural, calver, newest."; order != want {
		t.Errorf("%q", order)
	}
}

package files_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
)

func TestIsManifest(t *testing.T) {
	for name, want := range map[string]bool{
		"values.yaml": true, "charts/shop/templates/_helpers.tpl": true, "helmfile.yaml.gotmpl": true, "web.yml": true,
		"base/Kustomization": true, "values.yaml.tplt": true, ".argocd-source-shop.yaml": true,
		"README.md": false, "config.json": false, "prod.tfvars": false, "kustomization": false, "yaml": false, "values.yaml.bak": false,
	} {
		if got := files.IsManifest(name); got != want {
			t.Errorf("IsManifest(%q) = %v", name, got)
		}
	}
}

func TestGlob(t *testing.T) {
	for _, test := range []struct {
		glob, clean, base string
		literal           bool
		match, miss       string // separated by blanks
	}{
		{"charts/shop/values.yaml", "charts/shop/values.yaml", "charts/shop/values.yaml", true, "charts/shop/values.yaml", "charts/shop/values.yml values.yaml charts"},
		{"./charts//shop/./values.yaml", "charts/shop/values.yaml", "charts/shop/values.yaml", true, "charts/shop/values.yaml", ""},
		{"envs/live/**", "envs/live/**", "envs/live", false, "envs/live/a.yaml envs/live/x/y/b.json", "envs/stage/a.yaml envs/live2/a.yaml"},
		{"**/values-*.yaml", "**/values-*.yaml", ".", false, "values-a.yaml a/b/values-live.yaml", "values.yaml a/values-live.yml"},
		{"apps/{web,api}/*.yaml", "apps/{web,api}/*.yaml", "apps", false, "apps/web/a.yaml apps/api/b.yaml", "apps/db/a.yaml apps/web/x/a.yaml"},
		{"{apps/web,base}/x.yaml", "{apps/web,base}/x.yaml", ".", false, "apps/web/x.yaml base/x.yaml", "apps/x.yaml"},
		{"a[12]/?.yaml", "a[12]/?.yaml", ".", false, "a1/x.yaml a2/y.yaml", "a3/x.yaml a1/xy.yaml"},
		{"*.yaml", "*.yaml", ".", false, "a.yaml .b.yaml", "x/a.yaml"},
	} {
		g, err := files.ParseGlob(test.glob)
		if err != nil {
			t.Errorf("%q: %v", test.glob, err)
			continue
		}
		if g.String() != test.clean || g.Base() != test.base || g.IsLiteral() != test.literal {
			t.Errorf("%q: clean %q, base %q, literal %v", test.glob, g, g.Base(), g.IsLiteral())
		}
		for _, name := range strings.Fields(test.match) {
			if !g.Match(name) {
				t.Errorf("%q does not match %s", test.glob, name)
			}
		}
		for _, name := range strings.Fields(test.miss) {
			if g.Match(name) {
				t.Errorf("%q matches %s", test.glob, name)
			}
		}
	}
	if (files.Glob{}).Match("") {
		t.Error("the zero Glob matches")
	}
}

func TestQuote(t *testing.T) {
	for _, name := range []string{"a.yaml", "a[1]/{b}.yaml", `a\b*?.yaml`} {
		glob, err := files.ParseGlob(files.Quote(name))
		if err != nil || !glob.Match(name) || glob.Match("a1/b.yaml") {
			t.Errorf("%q: %q, %v", name, files.Quote(name), err)
		}
	}
	if got := files.Quote("charts/shop/values.yaml"); got != "charts/shop/values.yaml" {
		t.Errorf("%q", got)
	}
}

// The wrong glob is quoted alone, however many are right.
func TestAWrongGlobIsNamed(t *testing.T) {
	for glob, want := range map[string]string{
		"":               `"": is empty`,
		"envs/[a":        `"envs/[a": is not a glob`,
		"/etc/x.yaml":    `"/etc/x.yaml": must be relative to the repository's root`,
		"a/../../x.yaml": `"a/../../x.yaml": must not leave the repository`,
		"**/../x.yaml":   `"**/../x.yaml": must not leave the repository`,
		"./":             `"./": names no file; write **/*.yaml for all`,
		"charts/shop/":   `"charts/shop/": names a folder; write "charts/shop/**" for all files in it`,
	} {
		_, err := files.Select("good.yaml", glob, "also/*.yaml")
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", glob, err, want)
		}
		if _, err := files.MustSelect("good.yaml").WithContext(glob); err == nil || err.Error() != want {
			t.Errorf("context %q: %v, want %s", glob, err, want)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("MustSelect takes a wrong glob")
		}
	}()
	files.MustSelect("[")
}

// Depth decides how much a remote repository is asked for at once: too small
// misses files, too large reads a whole repository.
func TestDepth(t *testing.T) {
	const anyDepth = files.AnyDepth
	for _, test := range []struct {
		globs []string
		want  map[string]int
	}{
		{nil, map[string]int{".": anyDepth, "a/b/c": anyDepth}},
		{[]string{"charts/shop/values.yaml"}, map[string]int{".": 3, "charts": 2, "charts/shop": 1, "charts/web": 0, "charts/shop/values.yaml": 0, "charts/shop/values.yaml/x": 0}},
		{[]string{"envs/*/web.yaml"}, map[string]int{".": 3, "": 3, "envs/eu": 1, "envs/eu/x": 0, "apps": 0}},
		{[]string{"envs/**/web.yaml"}, map[string]int{".": 3, "envs": anyDepth, "envs/eu/x/y": anyDepth, "apps": 0}},
		{[]string{"**/web.yaml"}, map[string]int{".": anyDepth, "x/y": anyDepth}},
		{[]string{"{envs/eu,apps}/web.yaml"}, map[string]int{".": anyDepth, "envs": anyDepth}},
		{[]string{"{apps,envs}/{web,api}.yaml"}, map[string]int{".": 2, "apps": 1, "envs": 1, "base": 0}},
		{[]string{"[}]{envs/eu,apps}/web.yaml"}, map[string]int{".": anyDepth}},
		{[]string{"a.yaml", "x/y/z/b.yaml"}, map[string]int{".": 4, "x": 3, "x/y/z": 1}},
	} {
		selection := files.MustSelect(test.globs...)
		for dir, want := range test.want {
			if got := selection.Depth(dir); got != want {
				t.Errorf("%q: Depth(%q) = %d, want %d", test.globs, dir, got, want)
			}
			if got := selection.MayHold(dir); got != (want > 0) {
				t.Errorf("%q: MayHold(%q) = %v", test.globs, dir, got)
			}
		}
	}
}

func TestSelectionTellsWantedFromContext(t *testing.T) {
	selection, err := files.MustSelect("charts/shop/values-live.yaml", "envs/live/**").WithContext("charts/shop/Chart.yaml", "charts/shop/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if selection, err = selection.WithContext("charts/shop/templates/*"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"charts/shop/values-live.yaml":  "wanted",
		"envs/live/web.yaml":            "wanted",
		"charts/shop/values.yaml":       "context",
		"charts/shop/templates/d.yaml":  "context",
		"charts/shop/values-stage.yaml": "",
	} {
		got := map[[2]bool]string{{true, true}: "wanted", {false, true}: "context", {}: ""}[[2]bool{selection.Wants(name), selection.Includes(name)}]
		if got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if got, want := selection.Required(), []string{"charts/shop/values-live.yaml"}; !slices.Equal(got, want) {
		t.Errorf("Required() = %q, want %q", got, want)
	}
	if got, want := fmt.Sprint(selection.Globs()), "[charts/shop/values-live.yaml envs/live/** charts/shop/Chart.yaml charts/shop/values.yaml charts/shop/templates/*]"; got != want {
		t.Errorf("Globs() = %s, want %s", got, want)
	}
	for name, want := range map[string]bool{"charts": true, "charts/shop": true, "charts/shop/Chart.yaml": true, "envs/live": true, "envs/live/x": false, "charts/web": false} {
		if got := selection.Spells(name); got != want {
			t.Errorf("Spells(%q) = %v", name, got)
		}
	}
	if got := (files.Selection{}).Wants("web.yaml"); !got {
		t.Error("the zero selection does not want a manifest")
	}
}

// A context that is added to one selection is not in another that was made from
// the same one.
func TestContextsAreNotShared(t *testing.T) {
	first, err := files.MustSelect("a.yaml").WithContext("c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	one, _ := first.WithContext("one.yaml")
	two, _ := first.WithContext("two.yaml")
	if one.Includes("two.yaml") || two.Includes("one.yaml") {
		t.Errorf("%v, %v", one.Globs(), two.Globs())
	}
}

func TestErrorsHaveAKind(t *testing.T) {
	if err := fmt.Errorf("a.yaml: %w", files.ErrMissing); !errors.Is(err, fault.NotFound) {
		t.Errorf("%v is not fault.NotFound", err)
	}
	if got := files.ErrTooLarge.Error(); got != "is over 8 MiB" || files.MaxSize != 8<<20 {
		t.Errorf("%s at %d bytes", got, files.MaxSize)
	}
}

func TestTree(t *testing.T) {
	tree := files.NewTree("main", "c0ffee", []files.File{
		{Path: "charts/shop/values.yaml", Data: []byte("tag: 1\n")},
		{Path: "run.sh", Executable: true, Data: []byte("true\n")},
		{Path: "charts/shop/Chart.yaml", Data: []byte("name: shop\n")},
		{Path: "charts/shop/Chart.yaml", Data: []byte("name: a duplicate\n")},
		{Path: "empty.yaml"},
	})
	if err := fstest.TestFS(tree, "charts/shop/values.yaml", "charts/shop/Chart.yaml", "run.sh", "empty.yaml"); err != nil {
		t.Error(err)
	}
	if tree.Branch() != "main" || tree.Tip() != "c0ffee" {
		t.Errorf("%s at %s", tree.Branch(), tree.Tip())
	}
	if f, known := tree.File("charts/shop/Chart.yaml"); !known || string(f.Data) != "name: shop\n" {
		t.Errorf("%q, %v", f.Data, known)
	}
	if _, known := tree.File("charts"); known {
		t.Error("a folder is a file")
	}
	if info, err := tree.Stat("run.sh"); err != nil || info.Mode() != 0o755 || !info.ModTime().IsZero() || info.Sys() != nil {
		t.Errorf("%v, %v", info, err)
	}
	content, err := tree.ReadFile("charts/shop/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	content[0] = 'X'
	if again, _ := tree.ReadFile("charts/shop/values.yaml"); string(again) != "tag: 1\n" {
		t.Errorf("a caller changed the tree: %q", again)
	}
	if _, err := tree.Open("../x"); err == nil {
		t.Error("a path out of the tree is opened")
	}
	if _, err := tree.ReadFile("none.yaml"); err == nil || err.Error() != "read none.yaml: file does not exist" {
		t.Errorf("%v", err)
	}
}

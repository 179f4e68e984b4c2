package helm

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/testdata/bench/corpus"
)

// TestABumpRendersAsSetStringDoes holds whole charts below CORPUS (or this
// module's) against Helm's own way to set a tag: the chart with the bumped
// values file must render exactly as the untouched chart with --set-string does,
// with all that follows from the tag: labels, checksums, conditions on it.
// Charts that cannot be rendered alone, or never twice alike, are counted.
func TestABumpRendersAsSetStringDoes(t *testing.T) {
	root := cmp.Or(os.Getenv("CORPUS"), "../charts")
	counts := map[string]int{}
	var mutex sync.Mutex
	t.Run("charts", func(t *testing.T) {
		for _, dir := range chartsBelow(t, root) {
			t.Run(filepath.ToSlash(strings.TrimPrefix(dir, root)), func(t *testing.T) {
				t.Parallel()
				outcome := tryChart(t, dir)
				mutex.Lock()
				defer mutex.Unlock()
				counts[outcome]++
			})
		}
	})
	t.Logf("charts below %s: %v", root, counts)
	if os.Getenv("CORPUS") == "" && counts[rendersNewTag] < 4 {
		t.Errorf("only %d of our own charts render the new tag", counts[rendersNewTag])
	}
}

const rendersNewTag = "renders the new tag"

// tryChart bumps one image of the chart, if it has one and renders at all, and
// says what came of it.
func tryChart(t *testing.T, dir string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := corpus.Collect([]corpus.File{{Name: "values.yaml", Text: text}}, "9.8.7")
	if len(found.Samples) == 0 || found.Samples[0].Shape != corpus.PlainYAML || found.Samples[0].Want.Ref.Digest != "" {
		return "no image with a tag of its own in the values"
	}
	before, err := helmTemplate(t, dir)
	if err != nil {
		return "does not render alone"
	}
	if again := template(t, dir); again != before {
		return "does not render twice alike"
	}
	if after := checkChart(t, dir, found.Samples[0]); after == before {
		return "does not use the value by default"
	}
	return rendersNewTag
}

// checkChart returns what the chart renders after the bump.
func checkChart(t *testing.T, dir string, s corpus.Sample) string {
	t.Helper()
	made, err := corpus.Plan(fstest.MapFS{s.Want.Target.File: {Data: s.Text}}, []plan.Want{s.Want})
	if err != nil {
		t.Fatal(err)
	}
	bumped := read(t, os.DirFS(dir))
	bumped["values.yaml"] = &fstest.MapFile{Data: made.Files[0].After}
	after := render(t, bumped)
	if want := template(t, dir, "--set-string", setPath(s.Steps)+"="+s.New); after != want {
		t.Errorf("%s: the bumped chart does not render as --set-string %s does:\n%s\nwant\n%s", dir, setPath(s.Steps), after, want)
	}
	return after
}

// setPath writes a path as helm's --set takes it.
func setPath(steps []any) string {
	var path strings.Builder
	for _, step := range steps {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&path, "[%d]", step)
		case string:
			if path.Len() > 0 {
				path.WriteByte('.')
			}
			path.WriteString(strings.NewReplacer(`.`, `\.`, `,`, `\,`, `=`, `\=`, `[`, `\[`).Replace(step))
		}
	}
	return path.String()
}

func chartsBelow(t *testing.T, root string) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Name() != "Chart.yaml" {
			return err
		}
		dir := filepath.Dir(path)
		if isFile(filepath.Join(dir, "values.yaml")) && isDir(filepath.Join(dir, "templates")) {
			dirs = append(dirs, dir)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

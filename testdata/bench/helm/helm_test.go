package helm

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
	"github.com/tagbump/tagbump/testdata/bench/corpus"
)

// few are tags that Helm reads as something else when they stand in a file
// without quotes, and one that it does not; many are all such kinds.
var (
	few  = []string{"v2.0.0-rc.1", "202406151230", "1.10", "1e3", "0123", "on"}
	many = append([]string{
		"main-4f2e1d0", "_", "1.", "08", // strings, or nearly numbers
		"12345678", "1.0", "0o17", "0x1F", "0b11", "1_000", // numbers
		"y", "no", "true", "null", // truth values and nothing
		"2024-06-15", // a date
	}, few...)
)

// TestOnlyTheTagDiffersInWhatHelmRenders bumps one image of a chart to each of tags.
// renders are the lines of helm's output that have the tag in them.
func TestOnlyTheTagDiffersInWhatHelmRenders(t *testing.T) {
	tests := []struct {
		chart, image, tag string
		tags              []string
		renders           []string
	}{
		{"pair", "ghcr.io/acme/web", "1.2.3", few, []string{`    app.kubernetes.io/version: "%s"`, `          image: ghcr.io/acme/web:%s`}},
		{"pair", "acme/web-proxy", "1.2.3", few, []string{`          image: "acme/web-proxy:%s"`}},
		{"numbers", "acme/web", "1.9", many, []string{`      image: acme/web:%s`}},
		{"numbers", "acme/worker", "202405010930", many, []string{`      image: acme/worker:%s`}},
		{"literal", "acme/web", "1.2.3", few, []string{`        image: acme/web:%s   # bumped by CI`}},
		{"literal", "ghcr.io/acme/api", "1.2.3", few, []string{`        image: "ghcr.io/acme/api:%s"`}},
		{"fallback", "acme/web", "1.2.3", few, []string{`      image: acme/web:%s`}},
		{"umbrella", "acme/web", "1.2.3", few, []string{`      image: "acme/web:%s"`}},
		{"umbrella", "acme/worker", "main-4f2e1d0", few, []string{`      image: "acme/worker:%s"`}},
		{"reference", "acme/web", "1.2.3", few, []string{`      image: "acme/web:%s"`}},
		{"reference", "acme/migrate", "1.2.3", few, []string{`    - image: acme/migrate:%s`}},
		{"reference", "acme/proxy", "1.2.3", few, []string{`      image: acme/proxy:%s`}},
	}
	for _, test := range tests {
		t.Run(test.chart+"/"+image.BaseName(test.image), func(t *testing.T) {
			t.Parallel()
			chart := os.DirFS(filepath.Join("../charts", test.chart))
			before := render(t, chart)
			for _, tag := range test.tags {
				want := before
				for _, line := range test.renders {
					want = replaceOnce(t, want, fmt.Sprintf(line, test.tag), fmt.Sprintf(line, tag))
				}
				if got := render(t, bump(t, chart, test.image, tag)); got != want {
					t.Errorf("%s: helm renders\n%swant\n%s", tag, got, want)
				}
			}
		})
	}
}

// TestHelmMisreadsTagsWithoutQuotes shows why the quotes are there: the same
// charts render another image when the tag is written plain.
func TestHelmMisreadsTagsWithoutQuotes(t *testing.T) {
	tests := []struct{ tag, image string }{
		{"202406151230", "acme/web:2.0240615123e+11"},
		{"1.10", "acme/web:1.1"},
		{"1e3", "acme/web:1000"},
		{"0123", "acme/web:83"},
		{"on", "acme/web:true"},
		{"0x1F", "acme/web:31"},
	}
	for _, test := range tests {
		t.Run(test.tag, func(t *testing.T) {
			t.Parallel()
			tree := read(t, os.DirFS("../charts/numbers"))
			tree["values.yaml"] = &fstest.MapFile{Data: bytes.Replace(tree["values.yaml"].Data, []byte("1.9"), []byte(test.tag), 1)}
			if got := render(t, tree); !strings.Contains(got, "image: "+test.image+"\n") {
				t.Errorf("helm renders\n%swant an image %s", got, test.image)
			}
		})
	}
}

// bump is the chart after the image was bumped to tag everywhere in it.
func bump(t *testing.T, chart fs.FS, repository, tag string) fs.FS {
	t.Helper()
	targets, err := corpus.Find(chart, repository)
	if err != nil {
		t.Fatal(err)
	}
	var wants []plan.Want
	for _, target := range targets {
		wants = append(wants, plan.Want{Target: target, Ref: image.Ref{Repository: repository, Tag: tag}})
	}
	made, err := corpus.Plan(chart, wants)
	if err != nil {
		t.Fatal(err)
	}
	after := read(t, chart)
	for _, file := range made.Files {
		after[file.Name] = &fstest.MapFile{Data: file.After}
	}
	return after
}

func read(t *testing.T, tree fs.FS) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		files[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// render is what "helm template" prints for the chart.
func render(t *testing.T, chart fs.FS) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "chart")
	if err := os.CopyFS(dir, chart); err != nil {
		t.Fatal(err)
	}
	return template(t, dir)
}

func template(t *testing.T, args ...string) string {
	t.Helper()
	out, err := helmTemplate(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// helmTemplate runs helm without a cluster, a home directory or repositories.
func helmTemplate(t *testing.T, args ...string) (string, error) {
	t.Helper()
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), helm(t), append([]string{"template", "release"}, args...)...)
	cmd.Env = []string{"HOME=" + home, "HELM_CACHE_HOME=" + home, "HELM_CONFIG_HOME=" + home, "HELM_DATA_HOME=" + home, "PATH=" + os.Getenv("PATH")}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("helm %s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, stderr.Bytes())
	}
	return string(out), err
}

// replaceOnce replaces a whole line that must stand in text exactly once.
func replaceOnce(t *testing.T, text, old, with string) string {
	t.Helper()
	if n := strings.Count(text, old+"\n"); n != 1 {
		t.Fatalf("%d lines %q in what helm renders:\n%s", n, old, text)
	}
	return strings.Replace(text, old+"\n", with+"\n", 1)
}

var helmBinary struct {
	once sync.Once
	path string
	err  error
}

// helm is the path of the real helm, built once from the version in go.mod.
func helm(t *testing.T) string {
	t.Helper()
	helmBinary.once.Do(func() {
		// The go command keeps the executable of a module's tool in its cache and
		// says where; a copy of our own would be linked anew in every run.
		out, err := exec.Command("go", "tool", "-n", "helm").CombinedOutput()
		if err != nil {
			helmBinary.err = fmt.Errorf("go tool -n helm: %w\n%s", err, out)
			return
		}
		helmBinary.path = strings.TrimSpace(string(out))
	})
	if helmBinary.err != nil {
		t.Fatal(helmBinary.err)
	}
	return helmBinary.path
}

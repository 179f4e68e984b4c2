package plan

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
)

const folderFiles = 20_000

// folder writes a GitOps repository of 20,000 files of 2,500 bytes each: values,
// manifests and kustomizations of 200 applications in 100 environments.
func folder(b *testing.B) fs.FS {
	b.Helper()
	dir := b.TempDir()
	for i := range folderFiles {
		app, environment := i%200, i/200
		name := filepath.Join(dir, fmt.Sprintf("env%03d", environment), fmt.Sprintf("app%03d.yaml", app))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, folderFile(app, i), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return os.DirFS(dir)
}

// folderFile is one of three shapes, filled up with what charts are full of.
func folderFile(app, i int) []byte {
	var out bytes.Buffer
	switch i % 3 {
	case 0:
		fmt.Fprintf(&out, "# Values of app%03d\nreplicas: 2\nimage:\n  repository: ghcr.io/acme/app%03d\n  tag: \"1.%d.0\"\n  pullPolicy: IfNotPresent\n", app, app, i)
	case 1:
		fmt.Fprintf(&out, "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: x\nspec:\n  template:\n    spec:\n      containers:\n        - name: main\n          image: ghcr.io/acme/app%03d:1.%d.0 # the app\n", app, i)
	default:
		fmt.Fprintf(&out, "resources: [../base]\nimages:\n- name: app\n  newName: ghcr.io/acme/app%03d\n  newTag: 1.%d.0\n", app, i)
	}
	for n := 0; out.Len() < 2400; n++ {
		fmt.Fprintf(&out, "key%d: {requests: {cpu: 100m, memory: \"128Mi\"}} # %s\n", n, strings.Repeat("x", n%20))
	}
	fmt.Fprintf(&out, "# %s\n", strings.Repeat("-", 2500-out.Len()-3))
	return out.Bytes()
}

// BenchmarkFindInFolder looks for one of 200 images in 20,000 files. Its
// "x-reading" compares the best run with the best of reading the same files one
// after the other and doing nothing; the two are run in turns.
func BenchmarkFindInFolder(b *testing.B) {
	tree := folder(b)
	var reading, finding []time.Duration
	for b.Loop() {
		b.StopTimer()
		start := time.Now()
		total := 0
		err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				var text []byte
				text, err = fs.ReadFile(tree, name)
				total += len(text)
			}
			return err
		})
		if err != nil || total != folderFiles*2500 {
			b.Fatal(total, err)
		}
		reading = append(reading, time.Since(start))
		b.StartTimer()
		start = time.Now()
		targets, err := find(tree, "ghcr.io/acme/app007")
		if err != nil || len(targets) != folderFiles/200 {
			b.Fatal(len(targets), err)
		}
		finding = append(finding, time.Since(start))
	}
	best := slices.Min(finding).Seconds()
	b.ReportMetric(folderFiles/best, "files/s")
	b.ReportMetric(best/slices.Min(reading).Seconds(), "x-reading")
}

// BenchmarkUpdateInCorpus updates one image in each file of the folder CORPUS that
// names one, as a run does: its places found, edited, and read back. It reports
// quantiles over the files of each one's best time.
func BenchmarkUpdateInCorpus(b *testing.B) {
	files := readCorpus(b, corpusDir(b))
	type bump struct {
		tree fstest.MapFS
		ref  image.Ref
		size int
	}
	update := func(bump bump) error {
		x, err := Scan(bump.tree, ScanOptions{})
		if err != nil {
			return err
		}
		places, err := x.Find(bump.ref.Repository, FindOptions{})
		if err != nil {
			return err
		}
		_, err = x.Plan(wantsOf(places.Targets, bump.ref))
		return err
	}
	var bumps []bump
	for _, name := range sortedKeys(files) {
		tree := fstest.MapFS{name: &fstest.MapFile{Data: []byte(files[name])}}
		repository := firstImage(files[name])
		targets, err := find(tree, repository)
		if err != nil {
			continue // no image, or none with a place to write
		}
		ref := image.Ref{Repository: repository, Tag: corpusTag, Digest: targets[0].Current.Digest}
		if one := (bump{tree, ref, len(files[name])}); update(one) == nil {
			bumps = append(bumps, one)
		}
	}
	if len(bumps) == 0 {
		b.Fatal("the folder names no image")
	}
	best := make([]time.Duration, len(bumps))
	for b.Loop() {
		for i, bump := range bumps {
			start := time.Now()
			if err := update(bump); err != nil {
				b.Fatal(err)
			}
			if took := time.Since(start); best[i] == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	size, total := 0, time.Duration(0)
	for i, bump := range bumps {
		size += bump.size
		total += best[i]
	}
	b.ReportMetric(float64(size)/1e6/total.Seconds(), "MB/s")
	slices.Sort(best)
	b.ReportMetric(float64(len(bumps)), "files")
	b.ReportMetric(float64(best[len(best)/2].Microseconds()), "µs-median")
	b.ReportMetric(float64(best[len(best)*9/10].Microseconds()), "µs-p90")
	b.ReportMetric(float64(best[len(best)-1].Microseconds()), "µs-max")
}

// firstImage is an image that the text names with a tag, or "".
func firstImage(src string) string {
	for _, s := range newFile("a.yaml", []byte(src)).spots("mage") {
		if s.isTagged() && image.CheckRepository(s.ref.Repository) == nil {
			return s.ref.Repository
		}
	}
	return ""
}

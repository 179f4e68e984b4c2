package plan

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/image"
)

// shapesOfMany are files with n places of acme/web.
var shapesOfMany = map[string]func(n int) string{
	"mappings": func(n int) string {
		return "apps:\n" + each(n, "  - name: app%d\n    image:\n      repository: acme/web\n      tag: \"1.0\"\n")
	},
	"containers": func(n int) string {
		return "kind: Pod\nspec:\n  containers:\n" + each(n, "    - name: app%d\n      image: acme/web:1.0\n")
	},
	"documents": func(n int) string {
		return each(n, "---\nkind: Pod\nmetadata:\n  name: app%d\nspec:\n  containers:\n    - name: web\n      image: acme/web:1.0\n")
	},
	"empty tags": func(n int) string {
		return "apps:\n" + each(n, "  app%d:\n    image:\n      repository: acme/web\n      tag:\n")
	},
	"blocks": func(n int) string { return each(n, "values%d: |\n  image: acme/web:1.0\n") },
	"a block": func(n int) string {
		return "values: |\n  apps:\n" + each(n, "    - {name: app%d, image: \"acme/web:1.0\"}\n")
	},
}

func each(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func updateAll(tb testing.TB, src string, places int) {
	x, err := Scan(fstest.MapFS{"apps.yaml": &fstest.MapFile{Data: []byte(src)}}, ScanOptions{})
	if err != nil {
		tb.Fatal(err)
	}
	found, err := x.Find("acme/web", FindOptions{})
	if err != nil || len(found.Targets) != places {
		tb.Fatalf("%d of %d places, %v", len(found.Targets), places, err)
	}
	if _, err := x.Plan(wantsOf(found.Targets, image.Ref{Repository: "acme/web", Tag: "1.1"})); err != nil {
		tb.Fatal(err)
	}
}

// TestCostIsLinear holds that eight times the places take about eight times the
// memory, and so the work. Time would tell more, but not on a busy machine; for that
// see BenchmarkManyPlaces.
func TestCostIsLinear(t *testing.T) {
	for name, shape := range shapesOfMany {
		few, many := allocated(t, shape, 100), allocated(t, shape, 800)
		if many > 14*few {
			t.Errorf("%s: 100 places take %d kB, 800 take %d kB", name, few/1000, many/1000)
		}
	}
}

func allocated(t *testing.T, shape func(int) string, places int) uint64 {
	src := shape(places)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	updateAll(t, src, places)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// BenchmarkManyPlaces prints how the time and the memory grow with the places in
// one file.
func BenchmarkManyPlaces(b *testing.B) {
	for name, shape := range shapesOfMany {
		for _, n := range []int{500, 1000, 2000, 4000} {
			src := shape(n)
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(name, " ", "-"), n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					updateAll(b, src, n)
				}
				b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/place")
			})
		}
	}
}

package plan

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
)

// TestManyPlaces holds that the cost of a file grows with its places, and not with
// their square: in a mapping, in a list of containers and in a list of names.
func TestManyPlaces(t *testing.T) {
	for name, line := range map[string]string{
		"mappings": "app%d: {image: {repository: shop/cart, tag: v1}}\n",
		"items":    "- {name: app%d, image: 'shop/cart:v1'}\n",
		"alike":    "- image: shop/cart:v1 # %d\n",
	} {
		cost := func(places int) time.Duration {
			var text strings.Builder
			for i := range places {
				fmt.Fprintf(&text, line, i)
			}
			best := time.Hour
			for range 2 {
				start := time.Now()
				x, err := Scan(fstest.MapFS{"a.yaml": {Data: []byte(text.String())}}, ScanOptions{})
				if err != nil {
					t.Fatal(err)
				}
				found, err := x.Find("shop/cart", FindOptions{})
				if err != nil || len(found.Targets) != places {
					t.Fatal(len(found.Targets), err)
				}
				made, err := x.Plan(wantsOf(found.Targets, image.Ref{Repository: "shop/cart", Tag: "v2"}))
				if err != nil || len(made.Files[0].Changes) != places {
					t.Fatal(err)
				}
				best = min(best, time.Since(start))
			}
			return best
		}
		few, many := cost(150), cost(1200)
		t.Logf("%s: 150 in %v, 1200 in %v", name, few, many)
		if many > 40*few && many > time.Second { // eight times as many; the square would be 64
			t.Errorf("%s: 150 places take %v, 1200 take %v", name, few, many)
		}
	}
}

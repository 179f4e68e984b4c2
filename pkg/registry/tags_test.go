package registry

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// manyTags are n tags in ASCII order, as a registry of pull request builds has them.
func manyTags(n int) []string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf("pr-%06d", i)
	}
	return tags
}

func TestPagesThatCannotMatchAreLeftOut(t *testing.T) {
	wanted := []string{"master-202406151230", "master-202406160001"}
	before, after := manyTags(10_000), make([]string, 10_000)
	for i, tag := range before {
		before[i], after[i] = "a"+tag, "z"+tag
	}
	all := slices.Concat(before, wanted, after)
	for _, test := range []struct {
		name   string
		opts   testenv.RegistryOptions
		prefix string
		pages  int
		fault  mishap
	}{
		{"no prefix", testenv.RegistryOptions{}, "", 21, nil},
		{"the first page, the jump", testenv.RegistryOptions{}, "master-", 2, nil},
		{"at the start", testenv.RegistryOptions{}, "ap", 11, nil},
		{"one character", testenv.RegistryOptions{}, "m", 2, nil},
		{"at the end", testenv.RegistryOptions{}, "zpr-009", 2, nil},
		{"nowhere", testenv.RegistryOptions{}, "nothing", 2, nil},
		{"a registry without an order", testenv.RegistryOptions{Unsorted: true}, "master-", 1, nil},
		{"small pages", testenv.RegistryOptions{PageSize: 100}, "master-", 2, nil},
		{"last has to exist", testenv.RegistryOptions{}, "master-", 23, func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Get("last") == "master,~" && on("/tags/", page("application/json", `{"tags":[]}`))(w, r)
		}},
		{"last is not honoured", testenv.RegistryOptions{}, "master-", 23, func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Get("last") == "master,~" && on("/tags/", page("application/json", `{"tags":["aaa","master-1"]}`))(w, r)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			reg := start(t, test.opts)
			reg.ListTags("acme/web", all)
			reg.SetFault(test.fault)
			got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", test.prefix)
			if err != nil {
				t.Fatal(err)
			}
			if got, want := withPrefix(got, test.prefix), withPrefix(all, test.prefix); !slices.Equal(got, want) {
				t.Errorf("%d tags with the prefix, want %d", len(got), len(want))
			}
			if n := reg.Count("GET", "/tags/list"); n != test.pages {
				t.Errorf("%d pages, want %d", n, test.pages)
			}
		})
	}
}

func TestTagsOutOfOrderAreNotSkipped(t *testing.T) {
	// As a registry lists them that sorts by time, or by a language's rules: the
	// first page would not show that more follows.
	pages := []string{`{"tags":["b-1","master-1","a-9"]}`, `{"tags":["z-1"]}`, `{"tags":["master-2"]}`}
	reg := start(t, testenv.RegistryOptions{Fault: func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		at := len(r.URL.Query().Get("page"))
		if at < len(pages)-1 {
			w.Header().Set("Link", "</v2/acme/web/tags/list?page="+strings.Repeat("x", at+1)+`>; rel="next"`)
		}
		fmt.Fprint(w, pages[at])
		return true
	}})
	got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "master-")
	if want := []string{"a-9", "b-1", "master-1", "master-2", "z-1"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestARegistryThatRefusesThePageSizeIsAskedWithoutOne(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{PageSize: 2, Fault: func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Get("n") == "1000" && on("/tags/", status(400, `{"errors":[{"code":"PAGINATION_NUMBER_INVALID"}]}`))(w, r)
	}})
	reg.ListTags("acme/web", []string{"a", "b", "c"})
	got, err := client(t, reg, keys{}).Tags(context.Background(), reg.Host+"/acme/web")
	if want := []string{"a", "b", "c"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func withPrefix(tags []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(tag string) bool { return !strings.HasPrefix(tag, prefix) })
}

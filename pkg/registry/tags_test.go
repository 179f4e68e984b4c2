package registry

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// manyTags returns n tags in ASCII order, as a registry of pull request builds has them.
func manyTags(n int) []string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf("pr-%06d", i)
	}
	return tags
}

// builds returns n tags of one branch, numbered without leading zeros.
func builds(branch string, n int) []string {
	tags := make([]string, n)
	for i := range tags {
		tags[i] = fmt.Sprintf("%s-%d", branch, i)
	}
	return tags
}

func TestPagesThatCannotMatchAreLeftOutWhereTheOrderIsProven(t *testing.T) {
	wanted := []string{"master-202406151230", "master-202406160001"}
	all := slices.Concat(builds("apr", 10_000), wanted, builds("zpr", 10_000))
	answerTo := func(last string, answer http.HandlerFunc) mishap {
		return func(w http.ResponseWriter, r *http.Request) bool {
			return r.URL.Query().Get("last") == last && on("/tags/", answer)(w, r)
		}
	}
	for _, test := range []struct {
		name   string
		opts   testenv.RegistryOptions
		tags   []string
		prefix string
		pages  int
		fault  mishap
	}{
		{"no prefix", testenv.RegistryOptions{}, all, "", 21, nil},
		{"the first page, the jump", testenv.RegistryOptions{}, all, "master-", 2, nil},
		{"at the start", testenv.RegistryOptions{}, all, "ap", 11, nil},
		{"one character", testenv.RegistryOptions{}, all, "m", 2, nil},
		{"a prefix that ends with a digit", testenv.RegistryOptions{}, all, "zpr-9", 11, nil},
		{"nowhere", testenv.RegistryOptions{}, all, "nothing", 2 + 21, nil},
		{"a registry with one page", testenv.RegistryOptions{Unsorted: true}, all, "master-", 1, nil},
		{"small pages", testenv.RegistryOptions{PageSize: 100}, all, "master-", 2, nil},
		{"pages too small for a proof", testenv.RegistryOptions{PageSize: 60}, all, "master-", 3, nil},
		{"no number proves the order", testenv.RegistryOptions{}, slices.Concat(wanted, manyTags(5000)), "master-", 6, nil},
		{"last has to exist", testenv.RegistryOptions{}, all, "master-", 22, answerTo("master,~", page("application/json", `{"tags":[]}`))},
		{"last is not found", testenv.RegistryOptions{}, all, "master-", 22, answerTo("master,~", status(404, `{"errors":[{"code":"TAG_UNKNOWN"}]}`))},
		{"last is not valid", testenv.RegistryOptions{}, all, "master-", 22, answerTo("master,~", status(422, "no"))},
		{"last is not honoured", testenv.RegistryOptions{}, all, "master-", 22, answerTo("master,~", page("application/json", `{"tags":["aaa","master-1"]}`))},
	} {
		t.Run(test.name, func(t *testing.T) {
			reg := start(t, test.opts)
			reg.ListTags("acme/web", test.tags)
			reg.SetFault(test.fault)
			got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", test.prefix)
			if err != nil {
				t.Fatal(err)
			}
			want := withPrefix(test.tags, test.prefix)
			slices.Sort(want)
			if got := withPrefix(got, test.prefix); !slices.Equal(got, want) {
				t.Errorf("%d tags with the prefix, want %d", len(got), len(want))
			}
			if n := reg.Count("GET", "/tags/list"); n != test.pages {
				t.Errorf("%d pages, want %d", n, test.pages)
			}
		})
	}
}

// listInOrder answers like a registry that lists tags in an order of its own, in pages
// of size, with an offset in its links. Without compare it knows no order of names.
func listInOrder(tags []string, size int, compare func(a, b string) int) mishap {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/tags/list") {
			return false
		}
		rest := tags
		if last := r.URL.Query().Get("last"); last != "" {
			offset, err := strconv.Atoi(last)
			switch { // an invented tag is no number
			case err == nil:
			case compare == nil:
				status(404, "")(w, r)
				return true
			default:
				offset = slices.IndexFunc(append(slices.Clone(tags), "~"), func(tag string) bool { return compare(tag, last) > 0 })
			}
			rest = tags[offset:]
		}
		if len(rest) > size {
			w.Header().Set("Link", fmt.Sprintf(`</v2/x/tags/list?last=%d>; rel="next"`, len(tags)-len(rest)+size))
			rest = rest[:size]
		}
		text, err := json.Marshal(map[string]any{"tags": rest})
		if err != nil {
			panic(err)
		}
		w.Write(text)
		return true
	}
}

func TestEveryOrderOfARegistryGivesAllTags(t *testing.T) {
	byFold := func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) }
	sorted := func(tags []string, compare func(a, b string) int) []string {
		tags = slices.Clone(tags)
		slices.SortStableFunc(tags, compare)
		return tags
	}
	mixed := slices.Concat(builds("main", 150), builds("Release", 150), builds("dev", 150), []string{"_old", "Zebra"})
	for name, test := range map[string]struct {
		tags    []string
		prefix  string
		compare func(a, b string) int
	}{
		"as pushed: a prefix that comes back":          {slices.Concat([]string{"release-20230101"}, manyTags(300), []string{"release-20240101"}), "release-", nil},
		"as pushed: a prefix that comes last":          {slices.Concat(manyTags(300), []string{"release-20240101", "release-20240102"}), "release-", nil},
		"as pushed: versions and a back-port":          {slices.Concat([]string{"v1.10.0", "v1.9.1"}, manyTags(300), []string{"v1.11.0"}), "v1.", nil},
		"without regard to case":                       {sorted(mixed, byFold), "Release-", byFold},
		"without regard to case, lower":                {sorted(mixed, byFold), "main-", byFold},
		"backwards":                                    {sorted(mixed, func(a, b string) int { return cmp.Compare(b, a) }), "main-", nil},
		"byte by byte":                                 {sorted(mixed, cmp.Compare[string]), "Release-", cmp.Compare[string]},
		"byte by byte, the last":                       {sorted(mixed, cmp.Compare[string]), "main-", cmp.Compare[string]},
		"the pages are sorted, the whole is not":       {slices.Concat(sorted(builds("a", 200), cmp.Compare[string]), sorted(builds("z", 200), cmp.Compare[string]), builds("main", 3)), "main-", nil},
		"nothing matches where the order looks proven": {slices.Concat(sorted(builds("a", 200), cmp.Compare[string]), sorted(builds("z", 200), cmp.Compare[string]), []string{"main-7"}), "main-", cmp.Compare[string]},
	} {
		t.Run(name, func(t *testing.T) {
			reg := start(t, testenv.RegistryOptions{Fault: listInOrder(test.tags, 100, test.compare)})
			got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", test.prefix)
			want := withPrefix(test.tags, test.prefix)
			slices.Sort(want)
			if got := withPrefix(got, test.prefix); err != nil || !slices.Equal(got, want) {
				t.Errorf("%d tags, %v; want %d", len(got), err, len(want))
			}
		})
	}
}

func TestOnlyTheQueryOfALinkIsFollowed(t *testing.T) {
	for name, header := range map[string]string{
		"relative":                              `</v2/acme/web/tags/list?last=x&n=1>; rel="next"`,
		"without the repository's key":          `</v2/web/tags/list?last=x&n=1>; rel="next"`,
		"of another host":                       `<http://169.254.169.254/latest?last=x&n=1>; rel="next"`,
		"of another port and scheme":            `<ftp://HOST:1/?last=x&n=1>`,
		"that is no URL":                        `<::not a url::?last=x&n=1>; rel="next"`,
		"with a fragment":                       `</v2/acme/web/tags/list?last=x&n=1#top>; rel=next`,
		"behind one to the previous page":       `</v2/acme/web/tags/list?last=a>; rel="prev", </v2/acme/web/tags/list?last=x&n=1>; rel="next"`,
		"with parameters in another order":      `</v2/acme/web/tags/list?n=1&last=x>; title="next page"; rel="next"`,
		"whose relation is written in capitals": `</v2/acme/web/tags/list?last=x&n=1>; REL="NEXT"`,
	} {
		t.Run(name, func(t *testing.T) {
			reg := start(t, testenv.RegistryOptions{Fault: func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path != "/v2/team/acme/web/tags/list" {
					return false
				}
				if r.URL.Query().Get("last") == "x" {
					fmt.Fprint(w, `{"tags":["second"]}`)
					return true
				}
				w.Header().Set("Link", header)
				fmt.Fprint(w, `{"tags":["first"]}`)
				return true
			}})
			got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/team/acme/web", "")
			if want := []string{"first", "second"}; err != nil || !slices.Equal(got, want) {
				t.Errorf("got %q, %v; want %q", got, err, want)
			}
		})
	}
}

func TestTheNextPageIsAskedWhereTheFirstOneWasRedirectedTo(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{Fault: func(w http.ResponseWriter, r *http.Request) bool {
		switch r.URL.Path {
		case "/v2/acme/web/tags/list":
			http.Redirect(w, r, "/mirror/v2/acme/web/tags/list", http.StatusTemporaryRedirect)
		case "/mirror/v2/acme/web/tags/list":
			if r.URL.Query().Get("last") == "a" {
				fmt.Fprint(w, `{"tags":["b"]}`)
				break
			}
			w.Header().Set("Link", `</v2/acme/web/tags/list?last=a>; rel="next"`)
			fmt.Fprint(w, `{"tags":["a"]}`)
		default:
			return false
		}
		return true
	}})
	got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
	if want := []string{"a", "b"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestAListWithoutAnEndIsAnError(t *testing.T) {
	next := func(w http.ResponseWriter, r *http.Request, tags string) {
		n, _ := strconv.Atoi(r.URL.Query().Get("p"))
		w.Header().Set("Link", fmt.Sprintf(`</?p=%d>; rel="next"`, n+1))
		fmt.Fprintf(w, `{"tags":[%s]}`, tags)
	}
	many := `"a"` + strings.Repeat(`,"a"`, 400_000)
	for name, test := range map[string]struct {
		tags string
		want string
	}{
		"of empty pages":   {"", "the list of tags has no end: 0 tags on 11 pages so far"},
		"of ever new tags": {many, "the list of tags has no end: 1200003 tags on 3 pages so far"},
	} {
		t.Run(name, func(t *testing.T) {
			reg := start(t, testenv.RegistryOptions{Fault: on("/tags/", func(w http.ResponseWriter, r *http.Request) { next(w, r, test.tags) })})
			_, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
			if want := reg.Host + "/acme/web: " + test.want; !errors.Is(err, ErrUnavailable) || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
	l := listing{pages: maxPages}
	if err := l.keep(tagPage{tags: []string{"a"}}); err == nil || err.Error() != "the list of tags has no end: 1 tags on 20001 pages so far" {
		t.Errorf("too many pages: %v", err)
	}
}

func TestNamesThatNoTagCanHaveAreLeftOut(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{Fault: on("/tags/", page("application/json",
		`{"tags":["1.0.0","{{.}}","--flag","9.9.9\n::set-output name=x::y","\u001b]0;title\u0007","a b","`+strings.Repeat("x", 129)+`","_ok"]}`))})
	got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
	if want := []string{"1.0.0", "_ok"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestARegistryThatRefusesThePageSizeIsAskedWithoutOne(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{PageSize: 2, Fault: func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Query().Get("n") == "1000" && on("/tags/", status(400, `{"errors":[{"code":"PAGINATION_NUMBER_INVALID"}]}`))(w, r)
	}})
	reg.ListTags("acme/web", []string{"a", "b", "c"})
	got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
	if want := []string{"a", "b", "c"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestNextPage(t *testing.T) {
	for header, want := range map[string]url.Values{
		"":                                   nil,
		`</v2/x?last=a>; rel="prev"`:         nil,
		`/v2/x?last=a; rel="next"`:           nil,
		`</v2/x?last=a`:                      nil,
		`</v2/x?last=%zz>; rel="next"`:       nil,
		`</v2/x?last=a>`:                     {"last": {"a"}},
		`</v2/x>; rel="next"`:                {},
		`</v2/x?last=a%2Bb&n=2>; rel="next"`: {"last": {"a+b"}, "n": {"2"}},
	} {
		got := nextPage([]string{header})
		if (got == nil) != (want == nil) || got.Encode() != want.Encode() {
			t.Errorf("%s: %v, want %v", header, got, want)
		}
	}
}

func withPrefix(tags []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(tags), func(tag string) bool { return !strings.HasPrefix(tag, prefix) })
}

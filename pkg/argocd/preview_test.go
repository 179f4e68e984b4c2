package argocd

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
)

func TestDifferencesAreOfTwoCommits(t *testing.T) {
	var queries []string
	manifests := func(_ time.Duration, r *http.Request) any {
		queries = append(queries, r.URL.RawQuery)
		tag := map[bool]string{true: "1.4.2", false: "1.4.1"}[slices.Contains(r.URL.Query()["revision"], ours) || slices.Contains(r.URL.Query()["revisions"], ours)]
		return map[string]any{"manifests": []string{
			`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web"},"spec":{"image":"acme/web:` + tag + `"}}`,
			`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"tag":"` + tag + `"}}`,
		}}
	}
	one := map[string]any{"repoURL": gitops, "path": "web", "targetRevision": "main"}
	other := map[string]any{"repoURL": "https://charts.example", "chart": "base", "targetRevision": "1.2.3"}
	s := &scene{t: t, answers: map[string]func(time.Duration, *http.Request) any{}}
	for name, spec := range map[string]any{
		"web":   map[string]any{"source": one},
		"multi": map[string]any{"sources": []any{other, one}},
		"stray": map[string]any{"source": other},
	} {
		s.answers["applications/"+name] = func(time.Duration, *http.Request) any {
			return map[string]any{"metadata": map[string]any{"name": name}, "spec": spec}
		}
		s.answers["applications/"+name+"/manifests"] = manifests
	}
	waiter := Waiter{Client: clientOf(t, s.ServeHTTP), Named: []ID{{Name: "web"}, {Name: "multi"}, {Name: "stray"}}}
	got, err := waiter.Differences(t.Context(), push, older)
	text := " apps/v1 Deployment web\n-  spec.image: \"acme/web:1.4.1\"\n+  spec.image: \"acme/web:1.4.2\"\n v1 Secret db\n   (differs; the values of a Secret are left out)\n"
	if want := []Difference{{ID{Name: "web"}, text}, {ID{Name: "multi"}, text}}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if want := "stray does not follow main of " + gitops; err == nil || err.Error() != want || fault.KindOf(err) != fault.NotFound {
		t.Errorf("got %v, want %s", err, want)
	}
	want := []string{
		"revision=" + older, "revision=" + ours,
		"revisions=" + older + "&sourcePositions=2", "revisions=" + ours + "&sourcePositions=2",
	}
	if !slices.Equal(queries, want) {
		t.Errorf("asked %q", queries)
	}
}

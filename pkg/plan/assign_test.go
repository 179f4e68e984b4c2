package plan

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/image"
)

func TestAssign(t *testing.T) {
	tree := map[string]string{
		"api/values.yaml": "# the API\nimage:\n  repository: acme/api\n  tag: \"2.0\" # by CI\npodAnnotations:\n  commit: none # of the source\nreplicas: 2\n",
		"api/Chart.yaml":  "name: api\nappVersion: '2.0'\nversion: 1.0.0\n",
		"two.yaml":        "a: 1\n---\na: 2\n",
		"sealed.yaml":     "a: ENC[AES256_GCM,data:x,type:str]\nsops: {mac: x, version: 3}\n",
	}
	for _, test := range []struct {
		name   string
		assign []Assignment
		want   string // the changed lines of the diff
		err    string
	}{
		{
			"in the same file and in another",
			[]Assignment{{"api/values.yaml", mustPath(t, "podAnnotations.commit"), "8f3c1e0"}, {"api/Chart.yaml", mustPath(t, "appVersion"), "2.1"}},
			"-appVersion: '2.0'\n+appVersion: '2.1'\n-  tag: \"2.0\" # by CI\n+  tag: \"2.1\" # by CI\n-  commit: none # of the source\n+  commit: 8f3c1e0 # of the source\n", "",
		},
		{"nothing differs", []Assignment{{"api/Chart.yaml", mustPath(t, "appVersion"), "2.0"}}, "-  tag: \"2.0\" # by CI\n+  tag: \"2.1\" # by CI\n", ""},
		{"the tag itself", []Assignment{{"api/values.yaml", mustPath(t, "image.tag"), "3"}}, "", "api/values.yaml: image.tag: line 4: is changed twice"},
		{"one key twice", []Assignment{{"api/Chart.yaml", mustPath(t, "version"), "1"}, {"api/Chart.yaml", mustPath(t, "version"), "2"}}, "", "api/Chart.yaml: version: line 3: is changed twice"},
		{"a missing file", []Assignment{{"api/README.yaml", mustPath(t, "a"), "1"}}, "", "api/README.yaml: the file is not there"},
		{"a missing key", []Assignment{{"api/Chart.yaml", mustPath(t, "kubeVersion"), "1"}}, "", "api/Chart.yaml: kubeVersion: "},
		{"a mapping", []Assignment{{"api/values.yaml", mustPath(t, "image"), "1"}}, "", "api/values.yaml: image: "},
		{"two documents", []Assignment{{"two.yaml", mustPath(t, "a"), "3"}}, "", "two.yaml: a: is written 2 times, in lines 1, 3"},
		{"a sealed file", []Assignment{{"sealed.yaml", mustPath(t, "a"), "3"}}, "", "sealed.yaml: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			fsys := fstest.MapFS{}
			for name, content := range tree {
				fsys[name] = &fstest.MapFile{Data: []byte(content)}
			}
			x, err := Scan(fsys, ScanOptions{Whole: true})
			if err != nil {
				t.Fatal(err)
			}
			places, err := x.Find("acme/api", FindOptions{})
			if err != nil {
				t.Fatal(err)
			}
			planned, err := x.Plan([]Want{{Target: places.Targets[0], Ref: image.Ref{Repository: "acme/api", Tag: "2.1"}}})
			if err != nil {
				t.Fatal(err)
			}
			before := string(planned.Diff())
			made, changes, err := x.Assign(planned, test.assign)
			if string(planned.Diff()) != before {
				t.Error("the plan that was given has changed")
			}
			if test.err != "" {
				if err == nil || !strings.HasPrefix(err.Error(), test.err) {
					t.Errorf("got %v, want %s", err, test.err)
				}
				if strings.Contains(test.name, "missing") && !errors.Is(err, ErrNoTarget) {
					t.Errorf("%v is not ErrNoTarget", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got strings.Builder
			for line := range strings.Lines(string(made.Diff())) {
				if (line[0] == '+' || line[0] == '-') && !strings.HasPrefix(line, "+++") && !strings.HasPrefix(line, "---") {
					got.WriteString(line)
				}
			}
			if got.String() != test.want || len(changes) != strings.Count(test.want, "+")-1 {
				t.Errorf("got %d changes:\n%s\nwant:\n%s", len(changes), got.String(), test.want)
			}
		})
	}
}

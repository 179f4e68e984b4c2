package rollout

import (
	"encoding/json"
	"fmt"
	"testing"
)

const gitops = "https://github.com/acme/charts.git"

func TestUseOf(t *testing.T) {
	helm := func(values string) string {
		return `{"source": {"repoURL": "git@github.com:acme/charts.git", "path": "send2ereader", "targetRevision": "main", "helm": {"valueFiles": [` + values + `]}}}`
	}
	plain := `{"source": {"repoURL": "https://github.com/acme/charts", "path": "apps"}}`
	reference := `{"sources": [
		{"repoURL": "https://charts.example", "chart": "web", "targetRevision": "1.*", "helm": {"valueFiles": ["$values/web/values-staging.yaml"]}},
		{"repoURL": "https://github.com/Acme/charts", "targetRevision": "main", "ref": "values"}]}`
	for _, test := range []struct {
		spec, branch, file string
		want               Use
	}{
		{helm(`"values.yaml", "values-staging.yaml"`), "main", "send2ereader/values-staging.yaml", Includes},
		{helm(`"values.yaml", "values-staging.yaml"`), "main", "send2ereader/values-production.yaml", Follows},
		{helm(`"values.yaml"`), "main", "send2ereader/templates/deployment.yaml", Includes},
		{helm(`"values.yaml"`), "main", "send2ereader/charts/web/values.yaml", Includes},
		{helm(`"values.yaml"`), "main", "send2ereader-worker/values.yaml", Follows},
		{helm(`"../env/staging.yaml"`), "main", "env/staging.yaml", Includes},
		{helm(`"/env/staging.yaml"`), "main", "env/staging.yaml", Includes},
		{helm(`"envs/*.yaml"`), "main", "send2ereader/envs/staging.yaml", Includes},
		{helm(`"values.yaml"`), "release", "send2ereader/values.yaml", NoUse},
		{helm(`"$values/send2ereader/x.yaml"`), "main", "send2ereader/x.yaml", Follows},
		{plain, "main", "apps/web.yaml", Includes},
		{plain, "main", "apps/sub/web.yaml", Includes},
		{plain, "main", "apps2/web.yaml", Follows},
		{`{"source": {"repoURL": "https://github.com/acme/charts", "path": "."}}`, "main", "web.yaml", Includes},
		{`{"source": {"repoURL": "https://github.com/acme/other", "path": "apps"}}`, "main", "apps/web.yaml", NoUse},
		{reference, "main", "web/values-staging.yaml", Includes},
		{reference, "main", "web/values-production.yaml", Follows},
		{`{"sourceHydrator": {"drySource": {"repoURL": "https://github.com/acme/charts", "path": "web", "targetRevision": "HEAD"}}}`, "main", "web/x.yaml", Includes},
		{`{}`, "main", "x.yaml", NoUse},
	} {
		var app Application
		if err := json.Unmarshal([]byte(`{"spec": `+test.spec+`}`), &app); err != nil {
			t.Fatal(err)
		}
		if got := UseOf(app, gitops, test.branch, []string{"README.md", test.file}); got != test.want {
			t.Errorf("%s with %s: %d, want %d", test.file, test.spec, got, test.want)
		}
	}
}

func TestChildren(t *testing.T) {
	parent := read[Application](t, "3.6/app-of-apps-parent")
	children, sets := Children(parent)
	if len(children) != 2 || children[0].Name != "child-helmrepo" || len(sets) != 0 {
		t.Errorf("%v, %v", children, sets)
	}
	child := read[Application](t, "3.6/app-of-apps-child")
	if !child.Mentions(tagged("x")) || child.Mentions([]Image{{Repository: "acme/web"}}) {
		t.Error("an application mentions the images of its values and Pods, and no others")
	}
	generated := read[Application](t, "3.6/app-of-applicationset")
	generated.Metadata.OwnerReferences = []Owner{{"ApplicationSet", "web"}}
	if !generated.MadeBy([]string{"web"}) || generated.MadeBy([]string{"other"}) {
		t.Error("the ApplicationSet that owns an application made it")
	}
	if HasRepository(child, "http://127.0.0.1:27410/gitops.git") || !HasRepository(child, "http://127.0.0.1:27410/charts") {
		t.Error("an application has the repository of its source")
	}
}

func TestImagesIn(t *testing.T) {
	var manifest any
	src := `{"kind": "Deployment", "spec": {"template": {"spec": {"containers": [{"image": "a:1"}, {"image": "b:2"}], "initContainers": [{"image": "a:1"}]}}}, "x": {"sidecarImage": "c:3", "image": {"tag": "d"}}}`
	if err := json.Unmarshal([]byte(src), &manifest); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(ImagesIn([]any{manifest, nil})); got != "[a:1 b:2 c:3]" {
		t.Error(got)
	}
}

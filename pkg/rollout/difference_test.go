package rollout

import "testing"

const deployment = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"web","image":"acme/web:1.4.0","args":["-v","-x"]}]}}}}`

func TestDifference(t *testing.T) {
	for _, test := range []struct {
		name          string
		before, after []string
		want          string
	}{
		{"nothing", []string{deployment, `null`}, []string{deployment}, ""},
		{"keys in another order", []string{`{"kind":"A","spec":{"a":1,"b":2}}`}, []string{`{"spec":{"b":2,"a":1},"kind":"A"}`}, ""},
		{
			"a tag, and an argument less",
			[]string{deployment},
			[]string{`{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},"spec":{"replicas":2,"template":{"spec":{"containers":[{"name":"web","image":"acme/web:1.5.0","args":["-v"]}]}}}}`},
			` apps/v1 Deployment shop/web
-  spec.template.spec.containers[web].args[1]: "-x"
-  spec.template.spec.containers[web].image: "acme/web:1.4.0"
+  spec.template.spec.containers[web].image: "acme/web:1.5.0"
`,
		},
		{
			"an item before the others",
			[]string{`{"kind":"A","c":[{"name":"x","v":1}]}`},
			[]string{`{"kind":"A","c":[{"name":"y","v":2},{"name":"x","v":1}]}`},
			" A\n+  c[y].name: \"y\"\n+  c[y].v: 2\n",
		},
		{
			"two items of one name",
			[]string{`{"kind":"A","c":[{"name":"x","v":1},{"name":"x","v":2}]}`},
			[]string{`{"kind":"A","c":[{"name":"x","v":1},{"name":"x","v":3}]}`},
			" A\n-  c[1].v: 2\n+  c[1].v: 3\n",
		},
		{
			"lines of a file",
			[]string{`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"f":"a\nb\nc\n"}}`},
			[]string{`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"f":"a\nB\nb2\nc\n"}}`},
			" v1 ConfigMap c\n-  data.f: b\n+  data.f: B\n+  data.f: b2\n",
		},
		{
			"an object comes, one goes",
			[]string{`{"apiVersion":"v1","kind":"Service","metadata":{"name":"old"},"spec":{"port":1}}`},
			[]string{`{"apiVersion":"v1","kind":"Service","metadata":{"name":"new"},"spec":{"port":null}}`},
			"+v1 Service new\n+  apiVersion: \"v1\"\n+  kind: \"Service\"\n+  metadata.name: \"new\"\n+  spec.port: null\n-v1 Service old\n",
		},
		{
			"secrets",
			[]string{`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"password":"b2xk"}}`},
			[]string{
				`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"db"},"data":{"password":"bmV3"}}`,
				`{"apiVersion":"v1","kind":"Secret","metadata":{"name":"more"},"stringData":{"password":"plain"}}`,
			},
			" v1 Secret db\n   (differs; the values of a Secret are left out)\n+v1 Secret more\n   (differs; the values of a Secret are left out)\n",
		},
		{
			"control characters",
			[]string{`{"kind":"A","m":{"k\u001b[1m":"x"}}`},
			[]string{`{"kind":"A","m":{}}`},
			" A\n+  m: {}\n-  m.k[1m: \"x\"\n",
		},
		{
			"an empty map and list",
			[]string{`{"kind":"A","v":{"emptyDir":{}}}`},
			[]string{`{"kind":"A","v":{"hosts":[]}}`},
			" A\n-  v.emptyDir: {}\n+  v.hosts: []\n",
		},
	} {
		got, err := Difference(test.before, test.after)
		if err != nil || got != test.want {
			t.Errorf("%s: %v\ngot\n%s\nwant\n%s", test.name, err, got, test.want)
		}
	}
	for _, broken := range [][2][]string{{{"{"}, nil}, {nil, {"{"}}} {
		if _, err := Difference(broken[0], broken[1]); err == nil {
			t.Errorf("%v: no error", broken)
		}
	}
}

func TestSourcesOf(t *testing.T) {
	app := Application{Spec: Spec{Sources: []Source{
		{RepoURL: "https://charts.example", TargetRevision: "1.2.3"},
		{RepoURL: "git@git.example:acme/charts.git", TargetRevision: "main"},
		{RepoURL: "https://git.example/acme/charts", TargetRevision: "v1"},
	}}}
	if got := SourcesOf(app, "https://git.example/acme/charts.git", "main"); len(got) != 1 || got[0] != 1 {
		t.Errorf("got %v", got)
	}
}

package yamledit_test

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

const values = `# values of the web chart
image:
  repository: ghcr.io/acme/web # ours
  tag: "1.4.0"
sidecar:
  image: envoyproxy/envoy:v1.30.1
`

// A path leads to the nodes of a text; more than one, if the text has several
// documents or the path has wildcards.
func ExampleText_Find() {
	text, err := yamledit.Parse([]byte(values))
	if err != nil {
		fmt.Println(err)
		return
	}
	path, err := keypath.Parse("*.image")
	if err != nil {
		fmt.Println(err)
		return
	}
	nodes, err := text.Find(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, n := range nodes {
		fmt.Printf("%s, line %d: %s\n", n.Path(), n.Line(), n.Value())
	}
	// Output: sidecar.image, line 6: envoyproxy/envoy:v1.30.1
}

// Replacing a value keeps its quotes, and every byte around it.
func ExampleScalar_Replace() {
	text, err := yamledit.Parse([]byte(values))
	if err != nil {
		fmt.Println(err)
		return
	}
	tag, err := text.Documents()[0].Field("image").Field("tag").Scalar()
	if err != nil {
		fmt.Println(err)
		return
	}
	edit, err := tag.Replace("1.5.0")
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := text.Apply(edit)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Print(string(after))
	// Output:
	// # values of the web chart
	// image:
	//   repository: ghcr.io/acme/web # ours
	//   tag: "1.5.0"
	// sidecar:
	//   image: envoyproxy/envoy:v1.30.1
}

// A missing key is put in after another one, in the same style. A value that is
// not a text without quotes gets them.
func ExampleScalar_InsertBehind() {
	text, err := yamledit.Parse([]byte("image: {repository: acme/web}\nother:\n  repository: acme/api # ours\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	var edits []yamledit.Edit
	for _, key := range []string{"image", "other"} {
		repository, err := text.Documents()[0].Field(key).Field("repository").Scalar()
		if err != nil {
			fmt.Println(err)
			return
		}
		edit, err := repository.InsertBehind(yamledit.Entry{Key: "tag", Value: "1.10"})
		if err != nil {
			fmt.Println(err)
			return
		}
		edits = append(edits, edit)
	}
	after, err := text.Apply(edits...)
	fmt.Printf("%s%v\n", after, err)
	// Output:
	// image: {repository: acme/web, tag: "1.10"}
	// other:
	//   repository: acme/api # ours
	//   tag: "1.10"
	// <nil>
}

// What cannot be replaced safely is refused, with the place and the next step.
func ExampleNode_Scalar() {
	text, err := yamledit.Read([]byte(`defaults: &tag "1.4.0"
web: {tag: *tag}
{{- if .Values.beta }}
beta: {{ .Values.tag }}
{{- end }}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	root := text.Documents()[0]
	_, err = root.Field("web").Field("tag").Scalar()
	fmt.Println(err)
	_, err = root.Field("defaults").Scalar()
	fmt.Println(err)
	beta, err := root.Field("beta").Scalar()
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = beta.Replace("1.5.0")
	fmt.Println(err)
	// Output:
	// web.tag: line 2: is an alias (*tag) of the value at line 1
	// defaults: line 1: has the anchor &tag, which is used in line 2 as well
	// beta: line 4: is set by the template action {{ .Values.tag }}
}

// The text inside a scalar is edited in its place, whatever quotes it is in.
func ExampleNode_Embedded() {
	text, err := yamledit.Parse([]byte(`patch: '[{"op": "replace", "path": "/spec/image", "value": "acme/web:1"}]' # by hand` + "\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	patch := text.Documents()[0].Field("patch").Embedded()
	image, err := patch.Documents()[0].Items()[0].Field("value").Scalar()
	if err != nil {
		fmt.Println(err)
		return
	}
	edit, err := image.Replace("acme/web:2")
	if err != nil {
		fmt.Println(err)
		return
	}
	after, err := text.Apply(edit)
	fmt.Println(image.Path)
	fmt.Printf("%s%v\n", after, err)
	// Output:
	// patch | [0].value
	// patch: '[{"op": "replace", "path": "/spec/image", "value": "acme/web:2"}]' # by hand
	// <nil>
}

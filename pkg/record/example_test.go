package record_test

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/record"
)

func ExampleParse() {
	m := record.Parse(`bump acme/web to 1.4.0 in production

web/values.yaml: image.tag: 1.3.9 -> 1.4.0

Tagbump-Image: acme/web:1.4.0
Tagbump-Pipeline-Number: 77
`)
	fmt.Println(m.Sets(image.Ref{Repository: "docker.io/acme/web", Tag: "1.4.0"}), m.Pipeline)
	// Output: true 77
}

package files_test

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/files"
)

func ExampleSelection() {
	selection, err := files.Select("charts/shop/values-live.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	if selection, err = selection.WithContext("charts/shop/Chart.yaml", "charts/shop/values.yaml"); err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"charts/shop/values-live.yaml", "charts/shop/values.yaml", "charts/shop/README.md"} {
		fmt.Println(name, selection.Wants(name), selection.Includes(name))
	}
	// Output:
	// charts/shop/values-live.yaml true true
	// charts/shop/values.yaml false true
	// charts/shop/README.md false false
}

func ExampleKindOf() {
	for _, name := range []string{"apps/web/deployment.yaml", ".github/workflows/release.yml", "web/node_modules/x/pod.yaml"} {
		fmt.Printf("%s is %s\n", name, files.KindOf(name))
	}
	// Output:
	// apps/web/deployment.yaml is deployed
	// .github/workflows/release.yml is CI configuration
	// web/node_modules/x/pod.yaml is a vendored dependency
}

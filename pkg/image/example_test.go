package image_test

import (
	"fmt"

	"github.com/tagbump/tagbump/pkg/image"
)

func ExampleParse() {
	ref, err := image.Parse("localhost:5000/shop/cart:2.4.0")
	fmt.Println(ref.Repository, ref.Tag, err)
	_, err = image.Parse("ghcr.io/Acme/web:1.0.0")
	fmt.Println(err)
	// Output:
	// localhost:5000/shop/cart 2.4.0 <nil>
	// "ghcr.io/Acme/web:1.0.0": repository "ghcr.io/Acme/web": upper case is not allowed
}

func ExampleSameRepository() {
	fmt.Println(image.SameRepository("nginx", "docker.io/library/nginx"))
	fmt.Println(image.SameRepository("acme/api", "acme/api-worker"))
	// Output:
	// true
	// false
}

func ExampleCheckPlatforms() {
	info := image.Info{Platforms: []string{"linux/amd64", "linux/arm64/v8"}}
	fmt.Println(image.CheckPlatforms(info, []string{"linux/arm64"}))
	fmt.Println(image.CheckPlatforms(info, []string{"linux/arm/v7"}))
	// Output:
	// <nil>
	// linux/arm/v7: no such platform (it has linux/amd64, linux/arm64/v8)
}

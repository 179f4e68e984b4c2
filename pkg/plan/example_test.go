package plan_test

import (
	"fmt"
	"testing/fstest"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/plan"
)

var shop = fstest.MapFS{
	"cart/Chart.yaml":        {Data: []byte("apiVersion: v2\nname: cart\n")},
	"cart/values.yaml":       {Data: []byte("image:\n  repository: ghcr.io/shop/cart\n  tag: \"\"\n")},
	"cart/values-eu.yaml":    {Data: []byte("image:\n  tag: v1 # eu\n")},
	"cart/values-us.yaml":    {Data: []byte("image:\n  tag: v1\n")},
	"cart/tests/values.yaml": {Data: []byte("image: ghcr.io/shop/cart:v1\n")},
	"redis/pod.yaml":         {Data: []byte("kind: Pod\nspec: {containers: [{image: \"redis:7\"}]}\n")},
}

func ExampleIndex_Find() {
	index, err := plan.Scan(shop, plan.ScanOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	places, err := index.Find("ghcr.io/shop/cart", plan.FindOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, target := range places.Targets {
		fmt.Printf("%s:%d %s %s\n", target.File, target.Line, target.Path, target.Current.Tag)
	}
	for _, left := range places.Left {
		fmt.Printf("%s:%d %s %s\n", left.File, left.Line, left.Path, left.Reason)
	}
	// Output:
	// cart/values-eu.yaml:2 image.tag v1
	// cart/values-us.yaml:2 image.tag v1
	// cart/values.yaml:3 image.tag is hidden by cart/values-eu.yaml:2 and cart/values-us.yaml:2
	// cart/tests/values.yaml:1 image is in a file that is a test
}

func ExampleIndex_Plan() {
	index, err := plan.Scan(shop, plan.ScanOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	places, err := index.Find("ghcr.io/shop/cart", plan.FindOptions{Files: files.MustSelect("cart/values-eu.yaml")})
	if err != nil {
		fmt.Println(err)
		return
	}
	var wants []plan.Want
	for _, target := range places.Targets {
		wants = append(wants, plan.Want{Target: target, Ref: image.Ref{Repository: "ghcr.io/shop/cart", Tag: "v2"}})
	}
	made, err := index.Plan(wants)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s", made.Diff())
	// Output:
	// diff --git a/cart/values-eu.yaml b/cart/values-eu.yaml
	// --- a/cart/values-eu.yaml
	// +++ b/cart/values-eu.yaml
	// @@ -1,2 +1,2 @@
	//  image:
	// -  tag: v1 # eu
	// +  tag: v2 # eu
}

func ExampleIndex_Images() {
	index, err := plan.Scan(shop, plan.ScanOptions{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, found := range index.Images(plan.FindOptions{Files: files.MustSelect("redis/*")}) {
		fmt.Println(found.Target.File, found.Repository, found.Target.Current.Tag)
	}
	// Output:
	// redis/pod.yaml redis 7
}

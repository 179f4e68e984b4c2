package plan

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/keypath"
)

// TestShapes says of small texts which images they name: the path of what would be
// changed, the repository, the tag and how it is written.
func TestShapes(t *testing.T) {
	for src, want := range map[string]string{
		// a repository and a tag
		"image: {repository: shop/cart, tag: v1}":                     "image.tag shop/cart v1 tag",
		"image: {registry: ghcr.io, repository: shop/cart, tag: v1}":  "image.tag ghcr.io/shop/cart v1 tag",
		"image: {registry: '', repository: shop/cart, tag: v1}":       "image.tag shop/cart v1 tag",
		"image: {repository: shop/cart, tag: ''}":                     "image.tag shop/cart  tag",
		"image: {repository: shop/cart}":                              "image.tag shop/cart  tag",
		"image: {repo: shop/cart, tag: v1}":                           "image.tag shop/cart v1 tag",
		"image: {name: shop/cart, version: v1}":                       "image.version shop/cart v1 tag",
		"image: {name: cart, tag: v1}":                                "image.tag cart v1 tag",
		"image: {repository: shop/cart, name: cart, tag: v1}":         "image.tag shop/cart v1 tag",
		"image: {repository: localhost:5000, name: cart, tag: v1}":    "image.tag localhost:5000/cart v1 tag",
		"image: {repository: shop/cart, digest: sha256:1}":            "image.digest shop/cart  digest",
		"web: {repository: shop/cart, tag: v1, sha256: ab}":           "web.tag shop/cart v1 tag",
		"initImageRepository: shop/cart\ninitImageTag: v1":            "initImageTag shop/cart v1 tag",
		"webRepository: shop/cart\nwebTag: v1":                        "webTag shop/cart v1 tag",
		"imageRepository: ghcr.io\nimageName: shop/cart\nimageTag: 1": "imageTag ghcr.io/shop/cart 1 tag",
		// whole references
		"image: shop/cart:v1":                                        "image shop/cart v1 reference",
		"image: shop/cart":                                           "image shop/cart  reference",
		"registry: ghcr.io\nimage: shop/cart:v1":                     "image ghcr.io/shop/cart v1 reference",
		"registry: ghcr.io\nimage: ghcr.io/shop/cart:v1":             "image ghcr.io/shop/cart v1 reference",
		"repository: ghcr.io/shop\nimage: cart:v1":                   "image ghcr.io/shop/cart v1 reference",
		"cartImage: cart:v1":                                         "cartImage cart v1 reference",
		"cartImage: cart":                                            "",
		"containers:\n- image: cart":                                 "containers[0].image cart  reference",
		"cart.image: shop/cart:v1":                                   `"cart.image" shop/cart v1 reference`,
		"CART_IMAGE: shop/cart:v1":                                   "CART_IMAGE shop/cart v1 reference",
		"images: {cart: shop/cart:v1, tag: v2}":                      "images.cart shop/cart v1 reference",
		"imageName: shop/cart:v1":                                    "imageName shop/cart v1 reference",
		"imageProxy: redis:6379":                                     "",
		"from: {kind: DockerImage, name: shop/cart:v1}":              "from.name shop/cart v1 reference",
		"from: {kind: ImageStreamTag, name: cart:v1}":                "",
		"env: [{name: CART_IMAGE, value: shop/cart:v1}]":             "env[name=CART_IMAGE].value shop/cart v1 reference",
		"env: [{name: ADDRESS, value: redis:6379}]":                  "",
		"a: [{path: /spec/image, value: cart:v1}]":                   "a[0].value cart v1 reference",
		"images: [shop/cart:v1]":                                     "images[0] shop/cart v1 reference",
		"images: [old=shop/cart:v1]":                                 "images[0] shop/cart v1 reference",
		"args: [--image=shop/cart:v1]":                               "args[0] shop/cart v1 reference",
		"args: [--image, shop/cart:v1]":                              "args[1] shop/cart v1 reference",
		"args: [CART=shop/cart:v1, --connect=redis:6379]":            "args[0] shop/cart v1 reference",
		"image: ${CART:-shop/cart:v1}":                               "image shop/cart v1 reference",
		"image: shop/cart:${TAG:-v1}":                                "image shop/cart v1 tag",
		"image: {repository: shop/cart, tag: '${TAG:-v1}'}":          "image.tag shop/cart v1 tag",
		"image: '{{ .x | default \"shop/cart:v1\" }}'":               "image {{ .x | default \"shop/cart:v1\" }}  reference; image shop/cart v1 reference",
		"image: {{ .r }}/cart:{{ .tag | default \"v1\" }}":           "image {{ .r }}/cart v1 tag",
		"p: [{name: a.image, value: s/c}, {name: a.tag, value: v1}]": `p[name="a.tag"].value s/c v1 tag`,
		// versions
		"image: shop/cart\nversion: v1":              "version shop/cart v1 tag",
		"image: shop/cart\nimageVersion: v1":         "imageVersion shop/cart v1 tag",
		"baseImage: shop/cart\nversion: v1":          "version shop/cart v1 tag",
		"aImage: s/a\nbImage: s/b\nbVersion: v1":     "aImage s/a  reference; bVersion s/b v1 tag",
		"web: {repository: shop/cart, version: v1}":  "web.version shop/cart v1 tag",
		"web: {name: shop/cart, version: v1}":        "",
		"x: {repository: s/c, name: c, version: v1}": "",
		// kustomize
		"images: [{name: a, newName: shop/cart, newTag: v1}]":       "images[name=a].newTag shop/cart v1 tag",
		"resources: []\nimages: [{name: shop/cart}]":                "images[name=shop/cart].newTag shop/cart  tag",
		"images: [{name: a, newName: shop/cart, digest: sha256:1}]": "images[name=a].digest shop/cart  digest",
		"spec: {containers: [{name: a}]}":                           "",
		// none
		"git: {repository: shop/cart, tag: v1}":                              "",
		"web: {repository: 'https://x/y.git', tag: v1}":                      "",
		"web: {repository: shop/cart, branch: main, tag: v1}":                "",
		"web: {repository: shop/cart, type: git, tag: v1}":                   "",
		"filters: [{name: docker, match: '*', tag: v1}]":                     "",
		"inputs: [{name: docker, tag: docker.log}]":                          "",
		"dependencies: [{name: redis, version: 1, repository: 'https://x'}]": "",
		"web: {name: redis, image: shop/redis, tag: v1}":                     "web.tag shop/redis v1 tag",
		"web: {name: redis, repository: shop/redis, tag: v1}":                "web.tag shop/redis v1 tag",
	} {
		var got []string
		for _, s := range newFile("a.yaml", []byte(src+"\n")).spots("") {
			got = append(got, fmt.Sprintf("%s %s %s %s", s.path(), s.ref.Repository, s.ref.Tag, s.form))
		}
		if strings.Join(got, "; ") != want {
			t.Errorf("%s\ngot  %s\nwant %s", src, strings.Join(got, "; "), want)
		}
	}
}

// TestWords splits keys of all styles.
func TestWords(t *testing.T) {
	for key, want := range map[string]string{
		"chartVersion": "chart version", "image_tag": "image tag", "WEB_IMAGE": "web image", "a.b-c": "a b c", "imageURL": "image url", "v2Tag": "v2 tag", "": "",
	} {
		if got := strings.Join(wordsOf(key), " "); got != want {
			t.Errorf("%s: %q; want %q", key, got, want)
		}
	}
	if got := keypath.Plain("My_Image-tag.x"); got != "myimagetagx" {
		t.Error(got)
	}
}

// TestNames holds when a written name is the wanted repository.
func TestNames(t *testing.T) {
	for _, test := range []struct {
		written, repository string
		want                bool
	}{
		{"nginx", "docker.io/library/nginx", true},
		{"shop/cart", "shop/cart-worker", false},
		{"${REGISTRY}/shop/cart", "quay.io/shop/cart", true},
		{"${REGISTRY}/cart", "quay.io/shop/cart", false},
		{"${REGISTRY}/cart", "registry.example.com/cart", true},
		{"${REGISTRY:-ghcr.io}/shop/cart", "quay.io/shop/cart", false},
		{"${REGISTRY:-ghcr.io}/shop/cart", "ghcr.io/shop/cart", true},
		{`{{ .r | default "ghcr.io" }}/shop/cart`, "quay.io/shop/cart", false},
		{`{{ default "ghcr.io" .r }}/shop/cart`, "ghcr.io/shop/cart", true},
		{"$REGISTRY/shop/cart", "quay.io/shop/cart", true},
		{"{{ .prefix }}cart", "shop/cart", false},
		{"{{ .all }}", "shop/cart", false},
		{"shop/cart", "", false},
	} {
		if s := (spot{}); test.repository != "" && isNamed(test.written, test.repository) != test.want || test.repository == "" && s.names("") {
			t.Errorf("%s, %s: not %v", test.written, test.repository, test.want)
		}
	}
}

package main

// A bump is one image to be set in one file of the fixture.
type bump struct{ name, file, image, tag string }

var (
	values  = bump{"values of a chart", "charts/checkout/values-production.yaml", "ghcr.io/acme/checkout", "2.4.0"}
	overlay = bump{"kustomize overlay", "apps/production/kustomization.yaml", "ghcr.io/acme/ledger", "main-202601021504-4f2a91c"}
)

// A way is how a peer makes a bump, as a script for sh.
type way struct {
	bump         bump
	peer, script string
}

const tagbump = `"$TAGBUMP" update "$IMAGE:$TAG" --repo "$URL" --env production --no-verify`

// edited is the script of those that only edit: they are cloned and pushed for.
func edited(edit string) string {
	return `git clone -q --depth 1 "$URL" work && cd work && ` + edit + ` && git commit -q -a -m "bump $IMAGE" && git push -q origin HEAD`
}

var ways = []way{
	{values, "tagbump", tagbump},
	{values, "sed", edited(`sed -i 's|^  tag: "[^"]*"|  tag: "'"$TAG"'"|' "$FILE"`)},
	{values, "yq", edited(`"$YQ" -i '.image.tag = strenv(TAG)' "$FILE"`)},
	{overlay, "tagbump", tagbump},
	{overlay, "sed", edited(`sed -i '/name: .*acme.ledger$/{n;s|newTag: [^ ]*|newTag: '"$TAG"'|;}' "$FILE"`)},
	{overlay, "yq", edited(`"$YQ" -i '(.images[] | select(.name == strenv(IMAGE)) | .newTag) = strenv(TAG)' "$FILE"`)},
	{overlay, "kustomize", edited(`(cd "$(dirname "$FILE")" && "$KUSTOMIZE" edit set image "$IMAGE:$TAG")`)},
}

var notRun = []struct{ name, why string }{
	{"Argo CD Image Updater", "a controller in a cluster, which polls the registry"},
	{"Flux", "controllers in a cluster, which poll the registry"},
	{"Kargo", "a controller in a cluster, with Argo CD"},
	{"Renovate", "takes no tag: it asks the registry, and needs a forge"},
	{"updatecli", "too large to be built for this: its program has 143 MB"},
	{"gitopscli", "needs the API of a forge, even to clone"},
}

package bump

import (
	"context"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/record"
)

// labelled is a registry whose images all have one revision label.
type labelled struct {
	tags
	label string
}

func (l labelled) InspectFor(ctx context.Context, ref image.Ref, platforms []string) (image.Info, error) {
	info, err := l.tags.InspectFor(ctx, ref, platforms)
	info.Labels = map[string]string{revisionLabel: l.label}
	return info, err
}

func TestThePullRequestsBody(t *testing.T) {
	const commit = "312e31c07d2ab4c5590e1f6a7b8c9d0e1f2a3b4c"
	for _, test := range []struct{ name, label, file, content, want string }{
		{
			"plain", commit, "shop/web.yaml", "image: acme/web:1.0 # pinned\n",
			"| file | key | from | to |\n|---|---|---|---|\n" +
				"| `shop/web.yaml` | `image` | `1.0` | `1.2` |\n" +
				"\n`acme/web:1.2` is `" + digestOf("1.2") + "`, built from " + commit + "\n" +
				"\n<details><summary>diff</summary>\n\n```diff\n" +
				"diff --git a/shop/web.yaml b/shop/web.yaml\n--- a/shop/web.yaml\n+++ b/shop/web.yaml\n@@ -1 +1 @@\n-image: acme/web:1.0 # pinned\n+image: acme/web:1.2 # pinned\n```\n</details>\n",
		},
		{
			"a label, a file name and a comment that write Markdown", commit + "\n\n# Approved\n@acme/admins fixes #1 <img src=x>", "a`b|@team.yaml", "image: acme/web:1.0\nnote: |\n  ```\n  @acme/admins\n",
			"",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			repo, hub := newRepo(map[string]string{test.file: test.content}), &pulls{}
			req := pushOf("1.2")
			req.Publish = Propose
			runner := Runner{Registry: labelled{registry, test.label}, Repo: repo, Forge: hub}
			if _, err := runner.Run(context.Background(), req); err != nil {
				t.Fatal(err)
			}
			body := hub.open[0].Body
			if test.want != "" && body != test.want {
				t.Errorf("got:\n%s\nwant:\n%s", body, test.want)
			}
			if test.want == "" && (strings.Contains(body, "Approved") || !strings.Contains(body, "| ``a`b\\|@team.yaml`` |") || !strings.Contains(body, "````diff\n")) {
				t.Errorf("got:\n%s", body)
			}
		})
	}
}

func TestALongLabelOrChangeKeepsTheBodyShort(t *testing.T) {
	var content strings.Builder
	for range 900 {
		content.WriteString("- image: acme/web:1.0\n")
	}
	repo, hub := newRepo(map[string]string{strings.Repeat("long/", 40) + "web.yaml": content.String()}), &pulls{}
	req := pushOf("1.2")
	req.Publish = Propose
	runner := Runner{Registry: labelled{registry, strings.Repeat("0", 70_000)}, Repo: repo, Forge: hub}
	if _, err := runner.Run(context.Background(), req); err != nil {
		t.Fatal(err)
	}
	body := hub.open[0].Body
	if len(body) > bodyLimit || !strings.Contains(body, "\nand 737 more changes\n") {
		t.Errorf("%d bytes, ending with %q", len(body), body[len(body)-200:])
	}
}

func TestOldValuesAddNoTrailer(t *testing.T) {
	repo := newRepo(map[string]string{"web.yaml": "image:\n  repository: acme/web\n  tag: \"1.0\\n\\nTagbump-Pipeline-Number: 999\"\n"})
	req := pushOf("1.2")
	req.Images[0].Unverified, req.OnStale, req.Provenance.Pipeline = true, Allow, 7
	report, err := Runner{Repo: repo}.Run(context.Background(), req)
	if err != nil {
		t.Skip("such a tag is refused: ", err)
	}
	if got := record.Parse(report.Message); got.Pipeline != 7 || strings.Contains(report.Message, "\nTagbump-Pipeline-Number: 999") {
		t.Errorf("message:\n%s", report.Message)
	}
}

package bump

import (
	"context"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/record"
)

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

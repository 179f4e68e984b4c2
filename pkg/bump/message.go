package bump

import (
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/plan"
)

// message is the commit's: what changed, where, and a trailer per image by
// which later runs and people find the commit again.
func message(req Request, report *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", report.Subject())
	for _, change := range report.Changes() {
		fmt.Fprintf(&b, "%s\n", describe(change))
	}
	b.WriteByte('\n')
	for _, img := range report.changedImages() {
		fmt.Fprintf(&b, "Tagbump-Image: %s:%s\n", img.Repository, img.Tag)
	}
	return b.String()
}

func describe(change plan.Change) string {
	from, to := FromTo(change)
	return fmt.Sprintf("%s: %s: %s -> %s", change.Target.File, change.Target.Path, from, to)
}

// bodyLimit is below what forges take (GitHub: 65,536 characters); a diff that
// does not fit is left out, since the forge shows it anyway.
const bodyLimit = 60_000

// body is the pull request's, in Markdown.
func body(report *Report) string {
	var b strings.Builder
	b.WriteString("| file | key | from | to |\n|---|---|---|---|\n")
	for _, change := range report.Changes() {
		from, to := FromTo(change)
		fmt.Fprintf(&b, "| `%s` | `%s` | `%s` | `%s` |\n", change.Target.File, change.Target.Path, from, to)
	}
	for _, img := range report.changedImages() {
		fmt.Fprintf(&b, "\n`%s:%s`", img.Repository, img.Tag)
		if img.Digest != "" {
			fmt.Fprintf(&b, " is `%s`", img.Digest)
		}
		if img.Revision != "" {
			fmt.Fprintf(&b, ", built from %s", img.Revision)
		}
		b.WriteByte('\n')
	}
	if diff := report.Plan.Diff(); b.Len()+len(diff) < bodyLimit {
		fmt.Fprintf(&b, "\n<details><summary>diff</summary>\n\n```diff\n%s```\n</details>\n", diff)
	}
	return b.String()
}

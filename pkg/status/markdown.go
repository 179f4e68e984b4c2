package status

import (
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// Markdown writes a report as a table, for a pull request's comment or a job's
// summary.
func Markdown(r Report) string {
	var b strings.Builder
	b.WriteString("| image |")
	for _, name := range r.Environments {
		fmt.Fprintf(&b, " %s |", safetext.Cell(name))
	}
	b.WriteString(" newest |\n|" + strings.Repeat("---|", len(r.Environments)+2) + "\n")
	for _, img := range r.Images {
		fmt.Fprintf(&b, "| %s |", safetext.Cell(img.Repository))
		for _, cell := range img.Cells {
			fmt.Fprintf(&b, " %s |", markdownCell(r, cell))
		}
		fmt.Fprintf(&b, " %s |\n", markdownNewest(r, img))
	}
	return b.String()
}

func markdownCell(r Report, cell Cell) string {
	var all []string
	for _, one := range cell.Deployed {
		text := safetext.Cell(one.short())
		if age := one.age(r.At); age != "" {
			text += ", " + age
		}
		for _, note := range one.verdicts() {
			text += ", **" + strings.ReplaceAll(note, "|", `\|`) + "**"
		}
		if left := one.RolledBackFrom(); left != "" {
			text += ", **rolled back** from " + safetext.Cell(left)
		}
		if one.Set != nil {
			text += fmt.Sprintf(", set %s ago by %s", Age(r.At.Sub(one.Set.When)), safetext.Cell(history.NameOf(one.Set.Who)))
		}
		all = append(all, text)
	}
	for _, app := range cell.Health {
		if !app.Healthy {
			all = append(all, "**"+safetext.Cell(app.Name)+" "+safetext.Cell(app.Summary)+"**")
		}
	}
	for _, one := range cell.Pending {
		all = append(all, fmt.Sprintf("pull request %d sets %s", one.PullRequest.Number, safetext.Cell(one.Ref.Tag)))
	}
	if cell.IsHealthy() {
		all = append(all, "healthy")
	}
	return strings.Join(all, "<br>")
}

func markdownNewest(r Report, img Image) string {
	if img.Newest == nil {
		return "?"
	}
	text := safetext.Cell(img.Newest.Tag)
	if age := img.Newest.age(r.At); age != "" {
		text += ", " + age
	}
	if len(img.Newest.Missing) > 0 {
		text += ", **no " + strings.Join(img.Newest.Missing, ", ") + "**"
	}
	return text
}

package statuspage

import (
	"fmt"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/status"
)

// writeTable has a row for each image and a column for each environment.
func writeTable(w *writer, r status.Report) {
	w.put("<section>\n<label class=\"filter\"><span>Filter</span> <input type=\"search\" id=\"filter\" placeholder=\"Part of a name or tag\" autocomplete=\"off\"></label>\n")
	w.put("<div class=\"wide\">\n<table id=\"images\">\n<thead>\n<tr>")
	writeHeading(w, "Image", "ascending")
	for _, name := range r.Environments {
		writeHeading(w, name, "none")
	}
	writeHeading(w, "Newest", "none")
	w.put("</tr>\n</thead>\n<tbody>\n")
	for _, img := range r.Images {
		writeRow(w, r, img)
	}
	w.put("</tbody>\n</table>\n</div>\n<p id=\"none\" hidden>No image matches.</p>\n</section>\n")
}

func writeHeading(w *writer, name, sorted string) {
	w.put(`<th scope="col" aria-sort="%s"><button type="button">%s</button></th>`, sorted, name)
}

func writeRow(w *writer, r status.Report, img status.Image) {
	folder, name := splitName(img.Repository)
	w.put(`<tr><th scope="row" data-key="%s"><span class="folder">%s</span><span class="name">%s</span>`, img.Repository, folder, name)
	if img.Policy != "" {
		note := "chosen by "
		if img.IsSuggested() {
			note = "suggested: "
		}
		w.put(`<span class="policy" title="%s">%s</span>`, note+img.Policy, img.Policy)
	}
	w.put("</th>\n")
	for i, cell := range img.Cells {
		writeCell(w, r, r.Environments[i], cell)
	}
	writeNewest(w, r, img)
	w.put("</tr>\n")
}

// splitName cuts the last segment of a repository off, which people look for.
func splitName(repository string) (folder, name string) {
	name = image.BaseName(repository)
	return repository[:len(repository)-len(name)], name
}

func writeCell(w *writer, r status.Report, environment string, cell status.Cell) {
	if len(cell.Deployed) == 0 {
		w.put(`<td class="absent" data-label="%s" data-key="-2">not there</td>`+"\n", environment)
		return
	}
	w.put(`<td data-label="%s" data-key="%s">`, environment, sortKey(cell))
	for _, one := range cell.Deployed {
		w.put(`<div class="deployed %s"><code class="%s" title="%s">%s</code>`, toneIn(cell, one), classOfLength(one.Ref()), places(one), one.Ref())
		writeAge(w, r.At, one.Created)
		for _, note := range one.Notes() {
			w.put(`<span class="note">%s</span>`, note)
		}
		if since := one.Since(r.At); since != "" {
			w.put(`<span class="since" title="%s">%s</span>`, moment(one.Set.When)+", commit "+one.Set.Commit, since)
		}
		w.put("</div>")
	}
	for _, note := range cell.Notes() {
		w.put(`<div class="bad"><span class="note">%s</span></div>`, note)
	}
	if cell.IsHealthy() {
		w.put(`<div><span class="note healthy">healthy</span></div>`)
	}
	for i, proposal := range cell.Proposals() {
		writeProposal(w, cell.Pending[i].PullRequest.URL, proposal)
	}
	w.put("</td>\n")
}

// writeProposal has a link to a pull request, if its address is one of the web.
func writeProposal(w *writer, url, text string) {
	if strings.HasPrefix(url, "https://") || strings.HasPrefix(url, "http://") {
		w.put(`<div><a class="note" href="%s" rel="noreferrer">%s</a></div>`, url, text)
		return
	}
	w.put(`<div><span class="note">%s</span></div>`, text)
}

// classOfLength says that a tag is too long for one line.
func classOfLength(tag string) string {
	if len(tag) > 30 {
		return "long"
	}
	return "short"
}

// sortKey is how many tags a cell is behind, as a text; what has no verdict comes
// first.
func sortKey(cell status.Cell) string {
	worst := -1
	for _, one := range cell.Deployed {
		switch {
		case one.Gone:
			worst = max(worst, 1_000_000)
		case one.Behind.Known:
			worst = max(worst, one.Behind.Tags)
		}
	}
	return fmt.Sprint(worst)
}

// places says where a tag is written.
func places(d status.Deployed) string {
	text := ""
	for i, target := range d.Places {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s:%d", target.File, target.Line)
	}
	return text
}

func writeNewest(w *writer, r status.Report, img status.Image) {
	if img.Newest == nil {
		w.put(`<td class="absent" data-label="newest" data-key="-1">not known</td>` + "\n")
		return
	}
	w.put(`<td data-label="newest" data-key="%s"><div class="newest"><code class="%s">%s</code>`, fmt.Sprint(img.Newest.Created.Unix()), classOfLength(img.Newest.Tag), img.Newest.Tag)
	writeAge(w, r.At, img.Newest.Created)
	for _, platform := range img.Newest.Missing {
		w.put(`<span class="note">no %s</span>`, platform)
	}
	w.put("</div></td>\n")
}

func writeAge(w *writer, now, created time.Time) {
	if !created.IsZero() {
		w.put(`<time datetime="%s" title="created %s">%s</time>`, created.UTC().Format(time.RFC3339), moment(created), status.Age(now.Sub(created)))
	}
}

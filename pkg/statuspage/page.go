package statuspage

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/status"
)

//go:embed style.css
var style string

//go:embed script.js
var script string

// Write returns the page of a report.
func Write(r status.Report) string {
	w := new(writer)
	w.put(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>Deployed: %s</title>
<style>
`, r.Where)
	w.WriteString(style)
	w.put("</style>\n</head>\n<body>\n<main>\n")
	writeHead(w, r)
	writeTable(w, r)
	writeTimeline(w, r)
	writeErrors(w, r)
	w.put(`<footer>Ages are those of the images. Made by tagbump, %s.</footer>
</main>
<script>
`, moment(r.At))
	w.WriteString(script)
	w.put("</script>\n</body>\n</html>\n")
	return w.String()
}

// moment writes a time as people read it, in UTC.
func moment(at time.Time) string { return at.UTC().Format("2 Jan 2006, 15:04 UTC") }

// writeHead has the title and the counts.
func writeHead(w *writer, r status.Report) {
	w.put("<header>\n<div>\n<h1>%s</h1>\n<p class=\"lead\">%s in %s, as of <time datetime=\"%s\">%s</time></p>\n</div>\n<ul class=\"counts\">\n",
		r.Where, plural(len(r.Images), "image"), plural(len(r.Environments), "environment"), r.At.UTC().Format(time.RFC3339), moment(r.At))
	count := map[string]int{}
	for _, img := range r.Images {
		for _, cell := range img.Cells {
			for _, one := range cell.Deployed {
				count[toneIn(cell, one)]++
			}
		}
	}
	for _, known := range tones {
		if n := count[known.name]; n > 0 {
			w.put("<li class=\"%s\"><b>%s</b> %s</li>\n", known.name, fmt.Sprint(n), known.words)
		}
	}
	w.put("</ul>\n</header>\n")
}

// tones are the colours of cells, and what they mean.
var tones = []struct{ name, words string }{
	{"bad", "to look at"}, {"behind", "behind"}, {"good", "up to date"}, {"plain", "without a verdict"},
}

// toneIn is the colour of a cell's deployed tag.
func toneIn(cell status.Cell, d status.Deployed) string {
	if len(d.Missing) > 0 || len(cell.Notes()) > 0 {
		return "bad"
	}
	if tone, found := toneOf[d.State()]; found {
		return tone
	}
	return "plain"
}

// toneOf is the tone of each state that is a verdict.
var toneOf = map[string]string{"gone": "bad", "current": "good", "behind": "behind"}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// writeErrors says what could not be found out.
func writeErrors(w *writer, r status.Report) {
	errs := slices.Clone(r.Errs)
	for _, img := range r.Images {
		errs = append(errs, img.Errs...)
	}
	var lines []string
	for _, err := range errs {
		lines = append(lines, strings.Split(err.Error(), "\n")...)
	}
	if len(lines) == 0 {
		return
	}
	w.put("<section class=\"errors\">\n<h2>Not known</h2>\n<ul>\n")
	for _, line := range lines {
		w.put("<li>%s</li>\n", line)
	}
	w.put("</ul>\n</section>\n")
}

package statuspage

import (
	"fmt"
	"html"
	"time"

	"github.com/tagbump/tagbump/pkg/history"
	"github.com/tagbump/tagbump/pkg/safetext"
	"github.com/tagbump/tagbump/pkg/status"
)

// The measures of the timeline, in the units of its view box.
const (
	timelineWidth = 1000
	laneLeft      = 130 // where the time begins; the names of the lanes are left of it
	laneRight     = timelineWidth - 20
	laneHeight    = 44
	axisHeight    = 34
)

// writeTimeline draws when the tags of each environment were set: a lane for each
// environment and a dot for each event. Without events it draws nothing.
func writeTimeline(w *writer, r status.Report) {
	if len(r.Events) == 0 {
		return
	}
	from := r.At
	for _, event := range r.Events {
		if event.When.Before(from) {
			from = event.When
		}
	}
	axis := newAxis(from, r.At)
	lanes := lanesOf(r)
	height := len(lanes)*laneHeight + axisHeight
	w.put("<section class=\"timeline\">\n<h2>When tags were set</h2>\n<ul class=\"key\">")
	for _, known := range eventKinds {
		w.put(`<li><svg viewBox="0 0 12 12" aria-hidden="true"><circle cx="6" cy="6" r="6" class="%s"/></svg>%s</li>`, known.class, known.words)
	}
	fmt.Fprintf(w, "</ul>\n<div class=\"wide\">\n<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"A lane for each environment, a dot for each commit that set a tag\">\n", timelineWidth, height)
	for _, tick := range axis.ticks() {
		x := axis.x(tick.at)
		fmt.Fprintf(w, `<line x1="%d" y1="0" x2="%d" y2="%d"/><text x="%d" y="%d" text-anchor="middle">%s</text>`+"\n", x, x, height-axisHeight+6, x, height-10, tick.text)
	}
	for i, lane := range lanes {
		middle := i*laneHeight + laneHeight/2
		fmt.Fprintf(w, `<line x1="%d" y1="%d" x2="%d" y2="%d"/>`, laneLeft, middle, laneRight, middle)
		fmt.Fprintf(w, `<text x="0" y="%d" class="lane">%s</text>`+"\n", middle+4, html.EscapeString(cut(lane, 17)))
		for _, event := range r.Events {
			if event.Environment != lane {
				continue
			}
			fmt.Fprintf(w, `<circle cx="%d" cy="%d" r="7" class="%s"><title>%s</title></circle>`+"\n", axis.x(event.When), middle, classOf(event.Kind), html.EscapeString(safetext.Line(describe(event))))
		}
	}
	w.WriteString("</svg>\n</div>\n</section>\n")
}

// describe writes an event in a line: "acme/web 1.5.0 -> 1.4.0, rollback, Ada, 26 Nov
// 2026, 09:30 UTC".
func describe(e history.Event) string {
	text := e.Image + " "
	if from := e.From.String(); from != "" {
		text += from + " -> "
	}
	text += fmt.Sprintf("%s, %s", e.To, e.Kind)
	if by := history.NameOf(e.Who); by != "" {
		text += ", " + by
	}
	return text + ", " + moment(e.When)
}

// lanesOf returns the environments that have events, in the order of the report.
func lanesOf(r status.Report) []string {
	var lanes []string
	for _, name := range r.Environments {
		for _, event := range r.Events {
			if event.Environment == name {
				lanes = append(lanes, name)
				break
			}
		}
	}
	return lanes
}

// eventKinds are the classes of dots, and what they mean.
var eventKinds = []struct {
	kind         history.Kind
	class, words string
}{
	{history.Bump, "bump", "bump"},
	{history.Promotion, "promotion", "promotion"},
	{history.Rollback, "rollback", "rollback"},
	{history.ByHand, "byhand", "by hand"},
}

func classOf(kind history.Kind) string {
	for _, known := range eventKinds {
		if known.kind == kind {
			return known.class
		}
	}
	return "byhand"
}

// cut shortens a name to so many characters.
func cut(name string, most int) string {
	runes := []rune(safetext.Line(name))
	if len(runes) <= most {
		return string(runes)
	}
	return string(runes[:most-1]) + "…"
}

// An axis is the time from left to right.
type axis struct{ from, to time.Time }

// newAxis returns an axis that is never without a length.
func newAxis(from, to time.Time) axis {
	if to.Sub(from) < time.Hour {
		from = to.Add(-time.Hour)
	}
	margin := to.Sub(from) / 40
	return axis{from.Add(-margin), to}
}

func (a axis) x(at time.Time) int {
	share := float64(at.Sub(a.from)) / float64(a.to.Sub(a.from))
	return laneLeft + int(min(max(share, 0), 1)*(laneRight-laneLeft))
}

// A tick is a mark on an axis.
type tick struct {
	at   time.Time
	text string
}

// The steps between ticks, and how their times are written.
var steps = []struct {
	step   time.Duration
	format string
}{
	{15 * time.Minute, "15:04"},
	{time.Hour, "15:04"},
	{6 * time.Hour, "2 Jan 15:04"},
	{24 * time.Hour, "2 Jan"},
	{7 * 24 * time.Hour, "2 Jan"},
	{30 * 24 * time.Hour, "2 Jan"},
	{91 * 24 * time.Hour, "Jan 2006"},
	{365 * 24 * time.Hour, "Jan 2006"},
}

// mostTicks is how many marks can be read on a phone.
const mostTicks = 6

func (a axis) ticks() []tick {
	length := a.to.Sub(a.from)
	chosen := steps[len(steps)-1]
	for _, one := range steps {
		if length/one.step < mostTicks {
			chosen = one
			break
		}
	}
	step := max(chosen.step, length/mostTicks)
	var ticks []tick
	for at := a.from.UTC().Truncate(step).Add(step); !at.After(a.to); at = at.Add(step) {
		if a.x(at) > laneLeft+20 && a.x(at) < laneRight-20 {
			ticks = append(ticks, tick{at, at.Format(chosen.format)})
		}
	}
	return ticks
}

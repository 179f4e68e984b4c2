package status

import (
	"fmt"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// Age writes a duration in its largest unit: "12 min", "5 h", "3 d".
func Age(d time.Duration) string {
	switch {
	case d < 0:
		return "0 min"
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return fmt.Sprintf("%d d", int(d.Hours()/24))
}

// Notes returns what a person should know of a deployed tag beside its name, the
// gravest first: "not in the registry", "2 behind (3 d)".
func (d Deployed) Notes() []string {
	var notes []string
	add := func(format string, args ...any) { notes = append(notes, safetext.Line(fmt.Sprintf(format, args...))) }
	switch {
	case d.Gone:
		add("not in the registry")
	case d.Unknown:
		add("the registry does not answer")
	}
	if len(d.Missing) > 0 {
		add("no %s", strings.Join(d.Missing, ", "))
	}
	switch {
	case d.Behind.Tags > 0 && d.Behind.By > 0:
		add("%d behind (%s)", d.Behind.Tags, Age(d.Behind.By))
	case d.Behind.Tags > 0:
		add("%d behind", d.Behind.Tags)
	}
	return notes
}

// age returns how long ago the image was created, "" when that is not known.
func (b Build) age(now time.Time) string {
	if b.Created.IsZero() {
		return ""
	}
	return Age(now.Sub(b.Created))
}

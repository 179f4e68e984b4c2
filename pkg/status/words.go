package status

import (
	"fmt"
	"strings"
	"time"

	"github.com/tagbump/tagbump/pkg/history"
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
	notes := d.verdicts()
	if left := d.RolledBackFrom(); left != "" {
		notes = append(notes, safetext.Line("rolled back from "+left))
	}
	return notes
}

// verdicts are the notes that hold no text from a repository.
func (d Deployed) verdicts() []string {
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

// Since returns when the tag was set and by whom, "" when that is not known: "set 3 d
// ago by Ada".
func (d Deployed) Since(now time.Time) string {
	if d.Set == nil {
		return ""
	}
	return safetext.Line(fmt.Sprintf("set %s ago by %s", Age(now.Sub(d.Set.When)), history.NameOf(d.Set.Who)))
}

// Notes returns which applications of a cell are not healthy: "web: Synced, Degraded".
func (c Cell) Notes() []string {
	var notes []string
	for _, app := range c.Health {
		if !app.Healthy {
			notes = append(notes, safetext.Line(fmt.Sprintf("%s: %s", app.Name, app.Summary)))
		}
	}
	return notes
}

// Proposals returns the tags that pull requests would set: "#12 sets 1.5.0".
func (c Cell) Proposals() []string {
	var all []string
	for _, one := range c.Pending {
		all = append(all, safetext.Line(fmt.Sprintf("#%d sets %s", one.PullRequest.Number, one.Ref.Tag)))
	}
	return all
}

// IsHealthy reports whether Argo CD says so of all applications of the cell. Without
// applications nobody says anything.
func (c Cell) IsHealthy() bool { return len(c.Health) > 0 && len(c.Notes()) == 0 }

package status

import (
	"fmt"
	"time"
)

// An Event is a commit that set a tag.
type Event struct {
	Environment, Image string
	At                 time.Time
	Kind               EventKind
	From, To           string // the tags; "" where none was written
	By                 string // the name of the author
	Commit             string
}

// An EventKind says how a tag was set.
type EventKind int

// The kinds of events.
const (
	ByHand    EventKind = iota // by a person or another tool
	Bump                       // by an update
	Promotion                  // from another environment
	Rollback                   // back to an older tag
)

// String describes an event in a line: "acme/web 1.5.0 -> 1.4.0, roll-back by Ada".
func (e Event) String() string {
	kind := [...]string{"by hand", "bump", "promotion", "roll-back"}[e.Kind]
	text := fmt.Sprintf("%s %s, %s", e.Image, e.To, kind)
	if e.From != "" {
		text = fmt.Sprintf("%s %s -> %s, %s", e.Image, e.From, e.To, kind)
	}
	if e.By != "" {
		text += ", " + e.By
	}
	return text
}

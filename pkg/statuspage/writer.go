package statuspage

import (
	"fmt"
	"html"
	"strings"

	"github.com/tagbump/tagbump/pkg/safetext"
)

// A writer collects HTML.
type writer struct{ strings.Builder }

// put writes HTML in which each %s is replaced by a text, which is escaped: it can be
// neither an element nor the end of an attribute.
func (w *writer) put(format string, texts ...string) {
	escaped := make([]any, len(texts))
	for i, text := range texts {
		escaped[i] = html.EscapeString(safetext.Line(text))
	}
	fmt.Fprintf(w, format, escaped...)
}

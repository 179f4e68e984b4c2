package record

import (
	"fmt"
	"strings"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// An Author is who made a commit.
type Author struct{ Name, Email string }

// author matches what git takes: any text, also with brackets, commas and colons,
// and an address in angle brackets.
var author = lazyregexp.New(`^([^<>\x00-\x1f\x7f]*)<([^<>\s\x00-\x1f\x7f]+)>$`)

// ParseAuthor reads "NAME <EMAIL>". The error's kind is fault.Usage.
func ParseAuthor(text string) (Author, error) {
	match := author.FindStringSubmatch(strings.TrimSpace(text))
	if match == nil || strings.TrimSpace(match[1]) == "" {
		return Author{}, fault.Errorf(fault.Usage, "%q is not of the form \"Name <name@example.com>\"", text)
	}
	return Author{strings.TrimSpace(match[1]), match[2]}, nil
}

// String writes the author as ParseAuthor reads it.
func (a Author) String() string { return fmt.Sprintf("%s <%s>", a.Name, a.Email) }

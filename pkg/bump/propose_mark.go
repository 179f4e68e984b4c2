package bump

import (
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A mark is what a pull request's body says to later runs: for which environment it is,
// and which tags it sets. It is a link definition of Markdown, which no forge shows.
type mark struct {
	environment string
	images      []image.Ref
}

const noEnvironment = "-"

// String returns the line for the body, "" when a name could be more than a name.
func (m mark) String() string {
	words := []string{m.environment}
	if m.environment == "" {
		words[0] = noEnvironment
	}
	for _, ref := range m.images {
		words = append(words, ref.Repository+":"+ref.Tag)
	}
	line := `[tagbump]: # "` + strings.Join(words, " ") + `"`
	if !markPattern.MatchString(line) || strings.ContainsAny(line, "\r\n") || strings.Contains(line, "//") {
		return ""
	}
	return line
}

var markPattern = lazyregexp.New(`(?m)^\[tagbump\]: # "([\w./:-]+(?: [\w./:-]+)*)"\s*$`)

// parseMark reads the last mark of a body; the zero mark when a body has no mark.
func parseMark(body string) mark {
	all := markPattern.FindAllStringSubmatch(body, -1)
	if len(all) == 0 {
		return mark{}
	}
	words := strings.Fields(all[len(all)-1][1])
	m := mark{environment: words[0]}
	if words[0] == noEnvironment {
		m.environment = ""
	}
	for _, word := range words[1:] {
		if ref := image.Split(word); ref.Tag != "" {
			m.images = append(m.images, ref)
		}
	}
	return m
}

// unmarked returns the body without its marks.
func unmarked(body string) string {
	return strings.TrimRight(markPattern.ReplaceAllString(body, ""), "\r\n") + "\n"
}

// mark returns the mark of what an outcome proposes.
func (o Outcome) mark(req Request) mark {
	m := mark{environment: req.To}
	for _, img := range o.changedImages() {
		m.images = append(m.images, image.Ref{Repository: img.Repository, Tag: img.Tag})
	}
	return m
}

func (m mark) isZero() bool { return len(m.images) == 0 }

// tagOf returns the tag that the mark has for a repository, "" when it has none.
func (m mark) tagOf(repository string) string {
	for _, ref := range m.images {
		if image.SameRepository(ref.Repository, repository) {
			return ref.Tag
		}
	}
	return ""
}

// covers reports whether other is for the same environment, and only has images that m
// has, too.
func (m mark) covers(other mark) bool {
	return m.environment == other.environment && !other.isZero() &&
		!slices.ContainsFunc(other.images, func(ref image.Ref) bool { return m.tagOf(ref.Repository) == "" })
}

// sameTags reports whether both set the same tags in the same environment.
func (m mark) sameTags(other mark) bool {
	return m.covers(other) && other.covers(m) &&
		!slices.ContainsFunc(other.images, func(ref image.Ref) bool { return m.tagOf(ref.Repository) != ref.Tag })
}

// sharesImages reports whether both are about the same images, or one of them about none.
func (m mark) sharesImages(other mark) bool {
	return other.isZero() || slices.ContainsFunc(other.images, func(ref image.Ref) bool { return m.tagOf(ref.Repository) != "" })
}

package plan

import (
	"bytes"
	"slices"
	"sync"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A file is one file of an index. It is parsed when its text is first asked for.
type file struct {
	index *Index
	name  string
	order int // among the index's files
	src   []byte

	parsing sync.Once
	text    *yamledit.Text // nil when err says why not
	err     error          // why the file cannot be read, also where text has single lines of it

	searching sync.Once
	known     *known

	cutting sync.Once
	lines   [][]byte
}

// read parses the file, once. A template that cannot be parsed is read by line.
func (f *file) read() *yamledit.Text {
	f.parsing.Do(func() {
		if f.text, f.err = f.index.parse(f.name, f.src); f.err == nil {
			f.err = f.text.Partial()
		}
	})
	return f.text
}

// whole is the file's text if all of it can be read, else nil and why not.
func (f *file) whole() (*yamledit.Text, error) {
	if f.read(); f.err != nil {
		return nil, inFile(f.name, f.err)
	}
	return f.text, nil
}

// spots lists the images that the file names, in its embedded texts only those
// whose text contains part.
func (f *file) spots(part string) []spot {
	if f.read() == nil {
		return nil
	}
	f.search()
	return f.known.all(part)
}

func (f *file) search() {
	f.searching.Do(func() { f.known = newKnown(f.text) })
}

// known is what a text is known to name: its spots, and the values that may be
// texts by themselves, which are read when they are asked for.
type known struct {
	spots    []spot
	embedded []*embedded

	indexing, deepIndexing sync.Once

	byDoc     map[docPath][]spot // by what each would change
	byDocDeep map[docPath][]spot // the same, with those in embedded texts
}

// A docPath is a path in one of a file's documents.
type docPath struct {
	doc  int
	path string
}

// An embedded text is a value that may hold YAML.
type embedded struct {
	node    *yamledit.Node
	reading sync.Once
	known   *known
}

func newKnown(text *yamledit.Text) *known {
	k := &known{}
	for _, root := range text.Documents() {
		root.Walk(func(n *yamledit.Node) {
			k.spots = append(k.spots, spotsOf(n)...)
			if n.IsScalar() && n.Contains(":") && (n.Contains("\n") || n.Contains("{") || n.Contains("[")) {
				k.embedded = append(k.embedded, &embedded{node: n})
			}
		})
	}
	return k
}

func (k *known) all(part string) []spot {
	spots := slices.Clip(k.spots)
	for _, e := range k.embedded {
		if !e.node.Contains(part) {
			continue
		}
		e.reading.Do(func() {
			if inner := e.node.Embedded(); inner != nil {
				e.known = newKnown(inner)
			}
		})
		if e.known != nil {
			spots = append(spots, e.known.all(part)...)
		}
	}
	return spots
}

// at lists the spots at a place. Embedded texts are read only where the rest has
// none there.
func (k *known) at(place docPath) []spot {
	k.indexing.Do(func() { k.byDoc = byDoc(k.spots) })
	if spots := k.byDoc[place]; len(spots) > 0 {
		return spots
	}
	k.deepIndexing.Do(func() { k.byDocDeep = byDoc(k.all("")) })
	return k.byDocDeep[place]
}

func byDoc(spots []spot) map[docPath][]spot {
	all := make(map[docPath][]spot, len(spots))
	for _, s := range spots {
		at := docPath{s.value.Document(), s.path().String()}
		all[at] = append(all[at], s)
	}
	return all
}

// at lists the spots at the path, in the document if it has any there, else in
// all. A path that is spelled as a known spot spells it is looked up and not
// followed, so that many of them cost little.
func (f *file) at(doc int, path keypath.Path, repository string) ([]spot, error) {
	f.search()
	spots := f.known.at(docPath{doc, path.String()})
	if len(spots) == 0 {
		return spotsAt(f.text, path, repository)
	}
	for _, s := range spots {
		if err := s.value.CheckKeys(); err != nil && s.fill == "" {
			return nil, err
		}
	}
	return spots, nil
}

// mayHold reports whether the text may name an image with this last segment.
func (f *file) mayHold(name []byte) bool {
	return bytes.Contains(f.src, name) || isWide(f.src, name)
}

var commentedPlaceholder = lazyregexp.New(`:\s+(#\{[^}]*\}#?)`)

// placeholderBeside is a placeholder that YAML takes for a comment behind the spot's
// empty value: tag: #{Version}#; or "".
func (f *file) placeholderBeside(s spot) string {
	if s.fill != "" || s.value.Value() != "" {
		return ""
	}
	if match := commentedPlaceholder.FindSubmatch(f.line(s.value.Line())); match != nil {
		return string(match[1])
	}
	return ""
}

// line is the text of a line, counted from 1.
func (f *file) line(number int) []byte {
	f.cutting.Do(func() { f.lines = bytes.SplitAfter(f.src, []byte("\n")) })
	if number < 1 || number > len(f.lines) {
		return nil
	}
	return f.lines[number-1]
}

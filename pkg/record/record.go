// Package record writes and reads what a commit of tagbump says about itself.
//
// A [Message] is a text for people and trailers for programs: which images were
// set, from which source commit, what they replace, in which environment, by which
// build and for whom. Later runs read the trailers back: to find out which pipeline
// deployed a tag, to tell a history, to leave a tag alone that was rolled back.
//
// Labels, file names and variables come from outside. None of them can add a
// trailer: each value is put on one line, the trailers are a paragraph of their
// own, and [Parse] reads no other paragraph.
package record

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// A Message is a commit's message. Its trailers are written from the other fields
// than Text; a value that could not be read back is left out.
type Message struct {
	Text        string // for people: a subject, and perhaps a body after an empty line
	Kind        Kind
	Images      []Image // that the commit sets
	Environment string  // where; "" is unknown
	From        string  // the environment that a promotion takes its tags from
	Provenance
}

// A Kind says why the images are set.
type Kind int

// The kinds of changes; the zero value is the usual one.
const (
	Bump      Kind = iota // to the wanted tag
	Promotion             // to the tag of another environment
	Rollback              // back to a tag of before
)

var kinds = []string{"bump", "promotion", "rollback"}

// String is the kind's name in the trailer: "bump", "promotion" or "rollback".
func (k Kind) String() string { return kinds[k] }

// An Image is what a commit sets one image to. It has a tag, a digest, or both.
type Image struct {
	image.Ref
	Revision string   // the source commit that it was built from, see [IsRevision]; "" is unknown
	Previous []string // the tags that it replaces; of a rollback, those that are left
}

// Provenance says which build asked for a change, and for whom.
type Provenance struct {
	// Revision is the source commit that the build is of. No trailer has it:
	// it is the revision of an image that does not name its own.
	Revision    string
	BuildURL    string   // its user part and the values of its query are masked
	Pipeline    int64    // the pipeline's number, which grows, and stays the same on a re-run; 0 is unknown
	TriggeredBy string   // the CI system's user who began it
	Overrides   []string // guards that were switched off: "--on-stale allow"
}

// The keys of the trailers.
const (
	keyKind        = "Tagbump-Kind"
	keyImage       = "Tagbump-Image"
	keyPrevious    = "Tagbump-Previous"
	keyEnvironment = "Tagbump-Environment"
	keyFrom        = "Tagbump-From-Environment"
	keyBuild       = "Tagbump-Build-Url"
	keyPipeline    = "Tagbump-Pipeline-Number"
	keyTriggeredBy = "Tagbump-Triggered-By"
	keyOverride    = "Tagbump-Override"
)

// String returns the message as it is committed. Trailers at the end of Text, such
// as Signed-off-by, stay trailers.
func (m Message) String() string {
	text := strings.TrimSpace(safetext.Text(m.Text))
	between := "\n\n"
	if endsWithTrailers(text) {
		between = "\n"
	}
	return text + between + strings.Join(m.Trailers(), "\n") + "\n"
}

// Subject returns the first line of Text.
func (m Message) Subject() string {
	subject, _, _ := strings.Cut(strings.TrimSpace(safetext.Text(m.Text)), "\n")
	return strings.TrimSpace(subject)
}

// Trailers returns the lines for programs: "Tagbump-Image: acme/web:1.5.0".
func (m Message) Trailers() []string {
	var lines []string
	add := func(key, value string) {
		if value = safetext.Line(value); value != "" {
			lines = append(lines, key+": "+value)
		}
	}
	if m.Kind != Bump {
		add(keyKind, m.Kind.String())
	}
	for _, img := range m.Images {
		add(keyImage, img.trailer())
		for _, tag := range img.Previous {
			add(keyPrevious, reference(image.Ref{Repository: img.Repository, Tag: tag}))
		}
	}
	add(keyEnvironment, m.Environment)
	add(keyFrom, m.From)
	add(keyBuild, redact.URL(m.BuildURL))
	if m.Pipeline > 0 {
		add(keyPipeline, strconv.FormatInt(m.Pipeline, 10))
	}
	add(keyTriggeredBy, m.TriggeredBy)
	for _, override := range m.Overrides {
		add(keyOverride, override)
	}
	return lines
}

// trailer returns "name:tag@sha256:… from REVISION".
func (img Image) trailer() string {
	text := reference(img.Ref)
	if text != "" && IsRevision(img.Revision) {
		text += fromWord + img.Revision
	}
	return text
}

const fromWord = " from "

// reference returns ref as text, "" when it is not one that Parse reads back.
func reference(ref image.Ref) string {
	text := ref.String()
	if again, err := image.Parse(text); err != nil || again != ref || ref.Tag == "" && ref.Digest == "" {
		return ""
	}
	return text
}

var revision = lazyregexp.New(`^[0-9A-Fa-f]{7,64}$`)

// IsRevision reports whether s can be a commit's hash, perhaps abbreviated.
func IsRevision(s string) bool { return revision.MatchString(s) }

// endsWithTrailers reports whether the last paragraph of text, which must not be
// its subject, has only trailers, and none of tagbump's.
func endsWithTrailers(text string) bool {
	paragraphs := paragraphsOf(text)
	if len(paragraphs) < 2 {
		return false
	}
	return isForeign(paragraphs[len(paragraphs)-1])
}

// Parse reads a commit's message. A message that tagbump did not write has no
// Images. Trailers are taken from the last paragraph that has one of tagbump's;
// after it only trailers may follow, as forges add them to a merge.
func Parse(message string) Message {
	paragraphs := paragraphsOf(safetext.Text(message))
	for i := len(paragraphs) - 1; i > 0; i-- {
		lines := paragraphs[i]
		if isOurs(lines) {
			return read(slices.Clip(paragraphs[:i]), lines)
		}
		if !isForeign(lines) && !isRule(lines) {
			break
		}
	}
	return Message{Text: strings.TrimSpace(message)}
}

func read(text [][]string, trailers []string) Message {
	var m Message
	var foreign []string
	for _, line := range trailers {
		if key, value, _ := strings.Cut(line, ": "); !m.take(key, value) {
			foreign = append(foreign, line)
		}
	}
	if len(foreign) > 0 {
		text = append(text, foreign)
	}
	m.Text = join(text)
	return m
}

// take reads one trailer, and reports whether it is one of tagbump's.
func (m *Message) take(key, value string) bool {
	switch key {
	case keyKind:
		m.Kind = Kind(max(slices.Index(kinds, value), 0))
	case keyImage:
		m.takeImage(value)
	case keyPrevious:
		m.takePrevious(value)
	case keyEnvironment:
		m.Environment = value
	case keyFrom:
		m.From = value
	case keyBuild:
		m.BuildURL = value
	case keyPipeline:
		number, _ := strconv.ParseInt(value, 10, 64)
		m.Pipeline = max(number, 0)
	case keyTriggeredBy:
		m.TriggeredBy = value
	case keyOverride:
		m.Overrides = append(m.Overrides, value)
	default:
		return false
	}
	return true
}

func (m *Message) takeImage(value string) {
	name, from, _ := strings.Cut(value, fromWord)
	ref, err := image.Parse(name)
	if err != nil || ref.Tag == "" && ref.Digest == "" {
		return
	}
	img := Image{Ref: ref}
	if IsRevision(from) {
		img.Revision = from
	}
	m.Images = append(m.Images, img)
}

// takePrevious adds a tag to the image before it.
func (m *Message) takePrevious(value string) {
	ref, err := image.Parse(value)
	if err != nil || ref.Tag == "" {
		return
	}
	if i := m.index(ref.Repository); i >= 0 {
		m.Images[i].Previous = append(m.Images[i].Previous, ref.Tag)
	}
}

// index returns which of m's images is the repository's, or -1.
func (m Message) index(repository string) int {
	return slices.IndexFunc(m.Images, func(img Image) bool { return image.SameRepository(img.Repository, repository) })
}

// Sets reports whether the commit set the image to that tag.
func (m Message) Sets(ref image.Ref) bool {
	i := m.index(ref.Repository)
	return i >= 0 && m.Images[i].Tag == ref.Tag
}

// Change returns the line of a message's body that tells of one changed value:
// "web/values.yaml: image.tag: 1.0 -> 1.1".
func Change(file, path, from, to string) string {
	return fmt.Sprintf("%s: %s: %s -> %s", safetext.Line(file), safetext.Line(path), safetext.Line(from), safetext.Line(to))
}

var trailer = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9-]*: .`)

// isOurs reports whether a paragraph has only trailers, one of them tagbump's.
func isOurs(lines []string) bool {
	return isTrailers(lines) && slices.ContainsFunc(lines, hasOurKey)
}

// isForeign reports whether a paragraph has only trailers of others.
func isForeign(lines []string) bool {
	return isTrailers(lines) && !slices.ContainsFunc(lines, hasOurKey)
}

func isTrailers(lines []string) bool {
	return !slices.ContainsFunc(lines, func(line string) bool { return !trailer.MatchString(line) })
}

// ourPrefix begins all keys of tagbump. Git takes keys of any case for the same.
const ourPrefix = "Tagbump-"

func hasOurKey(line string) bool {
	return len(line) >= len(ourPrefix) && strings.EqualFold(line[:len(ourPrefix)], ourPrefix)
}

// isRule reports whether a paragraph is the line that GitHub draws before the
// trailers of a squashed merge.
func isRule(lines []string) bool { return len(lines) == 1 && strings.Trim(lines[0], "-") == "" }

// paragraphsOf splits text at its blank lines.
func paragraphsOf(text string) [][]string {
	var all [][]string
	var current []string
	for line := range strings.SplitSeq(text+"\n\n", "\n") {
		if line = strings.TrimRight(line, " \t"); line != "" {
			current = append(current, line)
		} else if len(current) > 0 {
			all, current = append(all, current), nil
		}
	}
	return all
}

func join(paragraphs [][]string) string {
	texts := make([]string, len(paragraphs))
	for i, lines := range paragraphs {
		texts[i] = strings.Join(lines, "\n")
	}
	return strings.Join(texts, "\n\n")
}

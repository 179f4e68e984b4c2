// Package record writes and reads what a commit of tagbump says about itself.
//
// A [Message] is a text for people and trailers for programs: which images were
// set, from which source commit, by which build. Later runs read the trailers back
// to find out which pipeline deployed a tag.
//
// Labels, file names and variables come from outside. None of them can add a
// trailer: each value is put on one line, the trailers are a paragraph of their
// own, and [Parse] reads no other paragraph.
package record

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// A Message is a commit's message.
type Message struct {
	Text   string      // for people: a subject, and perhaps a body after an empty line
	Images []image.Ref // that the commit set; only repository and tag are kept
	Provenance
}

// Provenance says which build asked for a change.
type Provenance struct {
	Revision string // the source commit of the image, 7 to 64 hexadecimal digits; others are dropped
	BuildURL string // its user part and the values of its query are masked
	Pipeline int64  // the pipeline's number, which grows, and stays the same on a re-run; 0 is unknown
}

// The keys of the trailers.
const (
	keyImage    = "Tagbump-Image"
	keyRevision = "Tagbump-Source-Revision"
	keyBuild    = "Tagbump-Build-Url"
	keyPipeline = "Tagbump-Pipeline-Number"
)

// String returns the message as it is committed. Trailers at the end of Text, such
// as Signed-off-by, stay trailers.
func (m Message) String() string {
	text := strings.TrimSpace(safetext.Text(m.Text))
	between := "\n\n"
	if endsWithTrailers(text) {
		between = "\n"
	}
	return text + between + strings.Join(m.trailers(), "\n") + "\n"
}

// Subject returns the first line of Text.
func (m Message) Subject() string {
	subject, _, _ := strings.Cut(strings.TrimSpace(safetext.Text(m.Text)), "\n")
	return strings.TrimSpace(subject)
}

func (m Message) trailers() []string {
	var lines []string
	add := func(key, value string) {
		if value = safetext.Line(value); value != "" {
			lines = append(lines, key+": "+value)
		}
	}
	for _, ref := range m.Images {
		add(keyImage, ref.Repository+":"+ref.Tag)
	}
	if IsRevision(m.Revision) {
		add(keyRevision, m.Revision)
	}
	add(keyBuild, redact.URL(m.BuildURL))
	if m.Pipeline > 0 {
		add(keyPipeline, strconv.FormatInt(m.Pipeline, 10))
	}
	return lines
}

var revision = regexp.MustCompile(`^[0-9A-Fa-f]{7,64}$`)

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
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case keyImage:
			name, _, _ := strings.Cut(value, " ")
			if ref := image.Split(name); ref.Tag != "" {
				m.Images = append(m.Images, image.Ref{Repository: ref.Repository, Tag: ref.Tag})
			}
		case keyRevision:
			m.Revision = value
		case keyBuild:
			m.BuildURL = value
		case keyPipeline:
			number, _ := strconv.ParseInt(value, 10, 64)
			m.Pipeline = max(number, 0)
		default:
			foreign = append(foreign, line)
		}
	}
	if len(foreign) > 0 {
		text = append(text, foreign)
	}
	m.Text = join(text)
	return m
}

// Sets reports whether the commit set the image to that tag.
func (m Message) Sets(ref image.Ref) bool {
	return slices.ContainsFunc(m.Images, func(set image.Ref) bool {
		return set.Tag == ref.Tag && image.SameRepository(set.Repository, ref.Repository)
	})
}

// Change returns the line of a message's body that tells of one changed value:
// "web/values.yaml: image.tag: 1.0 -> 1.1".
func Change(file, path, from, to string) string {
	return fmt.Sprintf("%s: %s: %s -> %s", safetext.Line(file), safetext.Line(path), safetext.Line(from), safetext.Line(to))
}

var trailer = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*: .`)

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

func hasOurKey(line string) bool {
	key, _, _ := strings.Cut(line, ":")
	return slices.Contains([]string{keyImage, keyRevision, keyBuild, keyPipeline}, key)
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

package record

import (
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/safetext"
)

// Explains reports whether the message tells of everything that its commit changed in
// a file: lines in which a previous tag or a digest became that of an image of the
// trailers, and values that the text lists, as [Change] writes them. It is false for a
// message without Images, and where a person has changed more in the same commit. The
// file's name begins at the top of the checkout; a run in a folder below names less of it.
func (m Message) Explains(file string, before, after []byte) bool {
	if len(m.Images) == 0 {
		return false
	}
	e := explainer{m.Images, m.changesIn(file)}
	older, newer := linesOf(before), linesOf(after)
	for len(newer) > 0 {
		switch {
		case len(older) > 0 && e.replaces(older[0], newer[0]):
			older, newer = older[1:], newer[1:]
		case e.adds(newer[0]):
			newer = newer[1:]
		default:
			return false
		}
	}
	return len(older) == 0
}

func linesOf(content []byte) []string { return strings.SplitAfter(string(content), "\n") }

// An explainer knows the changes that one file may have.
type explainer struct {
	images []Image
	stated []statedChange
}

// A statedChange is a value that a message's text lists.
type statedChange struct{ from, to string }

// none is how a text writes the value of a key that was missing.
const none = "(none)"

// changesIn returns the values of the file that the text lists.
func (m Message) changesIn(file string) []statedChange {
	var all []statedChange
	for line := range strings.SplitSeq(m.Text, "\n") {
		name, rest, _ := strings.Cut(line, ": ")
		_, values, _ := strings.Cut(rest, ": ")
		from, to, changes := strings.Cut(values, " -> ")
		isFile := strings.HasSuffix("/"+safetext.Line(file), "/"+name)
		if isFile && changes && to != "" && to != none {
			all = append(all, statedChange{from, to})
		}
	}
	return all
}

// quotes are left out of a comparison: a new value may need them, and an old one not.
var quotes = strings.NewReplacer(`"`, "", "'", "")

// replaces reports whether a line may become another one. One that stays may, too.
func (e explainer) replaces(older, newer string) bool {
	if older == newer {
		return true
	}
	older, newer = quotes.Replace(older), quotes.Replace(newer)
	for _, change := range e.stated {
		if replacedOnce(older, newer, change) {
			return true
		}
	}
	return slices.ContainsFunc(e.images, func(img Image) bool {
		return img.replacesIn(older, newer) || holdsImage(newer, img) && img.isFilledIn(older, newer)
	})
}

// replacedOnce reports whether newer is older with a stated change in one place.
func replacedOnce(older, newer string, change statedChange) bool {
	if change.from == none {
		return isInserted(older, newer, change.to)
	}
	for i := range len(older) {
		if rest, found := strings.CutPrefix(older[i:], change.from); found && older[:i]+change.to+rest == newer {
			return true
		}
	}
	return false
}

// token matches the characters of tags and digests.
var token = lazyregexp.New(`[0-9A-Za-z_.+-]+`)

// replacesIn reports whether nothing but tags and digests of the image differs between
// two lines.
func (img Image) replacesIn(older, newer string) bool {
	if !slices.Equal(token.Split(older, -1), token.Split(newer, -1)) {
		return false
	}
	before, after := token.FindAllString(older, -1), token.FindAllString(newer, -1)
	places := token.FindAllStringIndex(newer, -1)
	for i := range before {
		if before[i] == after[i] {
			continue
		}
		isTag := after[i] == img.Tag && slices.Contains(img.Previous, before[i])
		isDigest := hexOf.MatchString(before[i]) && "sha256:"+after[i] == img.Digest
		if !isTag && !isDigest || !holdsImage(newer[:places[i][0]], img) {
			return false
		}
	}
	return true
}

var hexOf = lazyregexp.New(`^[0-9a-f]{64}$`)

// imageKey matches the keys of tags and images.
var imageKey = lazyregexp.New(`(?i)tag|version|digest|sha|image|name|ref|revision`)

// holdsImage reports whether the text before a value says that the value is the image's:
// replicas: 2 is not, although the tag may be 2.
func holdsImage(text string, img Image) bool {
	return imageKey.MatchString(text) || strings.Contains(text, image.BaseName(img.Repository)+":")
}

// isFilledIn reports whether a line got the image's tag or digest, and had none.
func (img Image) isFilledIn(older, newer string) bool {
	return slices.ContainsFunc(img.written(), func(value string) bool { return isInserted(older, newer, value) })
}

// written is how a file writes the image's tag and digest.
func (img Image) written() []string {
	var all []string
	for _, value := range []string{img.Tag, img.Digest} {
		if value != "" {
			all = append(all, value)
		}
	}
	if len(all) == 2 {
		all = append(all, img.Tag+"@"+img.Digest)
	}
	return all
}

// isInserted reports whether newer is older with a value put in, and with what joins it.
func isInserted(older, newer, value string) bool {
	start := 0
	for start < len(older) && start < len(newer) && older[start] == newer[start] {
		start++
	}
	for ; start >= 0; start-- {
		added := len(newer) - len(older)
		if added <= 0 || start+added > len(newer) || older[start:] != newer[start+added:] {
			continue
		}
		if strings.Trim(newer[start:start+added], " :@") == value {
			return true
		}
	}
	return false
}

// addedLine matches a line with one key and one value, perhaps as the first of a list's
// entry.
var addedLine = lazyregexp.New(`^\s*(?:- )?([\w.-]+):\s*(.*?)\s*$`)

// adds reports whether a line is new because of an image: its key was missing, or its
// entry in a kustomization.
func (e explainer) adds(line string) bool {
	match := addedLine.FindStringSubmatch(quotes.Replace(line))
	if match == nil {
		return false
	}
	key, value := match[1], match[2]
	if key == "images" && value == "" {
		return true
	}
	for _, img := range e.images {
		isName := image.BaseName(value) == image.BaseName(img.Repository)
		if imageKey.MatchString(key) && (isName || slices.Contains(img.written(), value)) {
			return true
		}
	}
	return slices.ContainsFunc(e.stated, func(change statedChange) bool { return change.from == none && change.to == value })
}

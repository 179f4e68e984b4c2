package render

import (
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// reference is text that can be an image reference with a tag or digest.
var reference = lazyregexp.New(`[A-Za-z0-9][A-Za-z0-9._/:@-]*[:@][A-Za-z0-9._:@-]*[A-Za-z0-9_]`)

// has reports whether the manifests use the reference outside of comments. A
// digest counts only if ref has one.
func has(manifests string, ref image.Ref) bool {
	for line := range strings.SplitSeq(manifests, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, word := range reference.FindAllString(line, -1) {
			if same(image.Split(word), ref) {
				return true
			}
		}
	}
	return false
}

// same reports whether found is the image ref. The registry may be another one
// when ref names none, because a chart can put a mirror in front of a short name.
func same(found, ref image.Ref) bool {
	if found.Tag != ref.Tag && ref.Tag != "" || ref.Digest != "" && found.Digest != ref.Digest {
		return false
	}
	if image.SameRepository(found.Repository, ref.Repository) {
		return true
	}
	registry, path, _ := strings.Cut(found.Repository, "/")
	return strings.ContainsAny(registry, ".:") && path == ref.Repository
}

var (
	documentStart = lazyregexp.New(`(?m)^---`)
	secretKind    = lazyregexp.New(`(?m)^kind:[ \t]*["']?Secret["']?[ \t]*$`)
	secretData    = lazyregexp.New(`(?m)^(data|stringData):[^\n]*\n((?:[ \t][^\n]*\n|\n)*)`)
	secretValue   = lazyregexp.New(`(?m)^([ \t]+[^\s:#]+:)[^\n]*$`)
)

// hideSecrets replaces the values of Secrets, which are made anew at each
// rendering as often as not.
func hideSecrets(manifests string) []byte {
	var out strings.Builder
	if !strings.HasSuffix(manifests, "\n") {
		manifests += "\n"
	}
	for document := range splitDocuments(manifests) {
		if secretKind.MatchString(document) {
			document = secretData.ReplaceAllStringFunc(document, hideData)
		}
		out.WriteString(document)
	}
	return []byte(out.String())
}

// hideData keeps the keys at the first level below data.
func hideData(data string) string {
	lines := strings.SplitAfter(data, "\n")
	kept, indent := lines[0], ""
	if before, _, inline := strings.Cut(lines[0], "{"); inline {
		kept = before + "(hidden)\n"
	}
	for _, line := range lines[1:] {
		margin := line[:len(line)-len(strings.TrimLeft(line, " \t"))]
		if indent == "" {
			indent = margin
		}
		if margin == indent && secretValue.MatchString(line) {
			kept += secretValue.ReplaceAllString(line, "$1 (hidden)")
		}
	}
	return kept
}

// splitDocuments yields the documents of a stream with their separators.
func splitDocuments(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		starts := documentStart.FindAllStringIndex(text, -1)
		last := 0
		for _, start := range starts {
			if start[0] > last && !yield(text[last:start[0]]) {
				return
			}
			last = start[0]
		}
		yield(text[last:])
	}
}

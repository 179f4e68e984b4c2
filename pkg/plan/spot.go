package plan

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A spot is a place that names an image, with the keys that belong to it.
type spot struct {
	form    Form
	ref     image.Ref        // the image; its repository is joined from all keys, template actions included
	written string           // the repository as value spells it; "" when that is ref's
	also    []string         // other repositories that the keys may mean
	global  *yamledit.Node   // a registry that charts put in front of bare, or nil
	bare    string           // the repository without its registry, where both have keys of their own
	value   *yamledit.Node   // the value to change or, with fill, the repository
	digest  *yamledit.Node   // the digest's own key, or nil; value itself for FormDigest
	prefix  string           // of value, before the reference or tag: "--image=", "old/name=", "${TAG:-"
	suffix  string           // of value, behind it: "}"
	fill    string           // the key that is missing beside value, or ""
	literal *yamledit.Scalar // the string in value's template action that holds the tag, or nil
	rival   *yamledit.Node   // a key that may hold the tag, where none is known to; or nil

	isOverride bool // old=new:tag, which puts an image in place of another
}

// referenceSpot is a value that holds a whole reference, or the default of a
// variable that does.
func referenceSpot(value *yamledit.Node) spot {
	text := value.Value()
	if prefix, inner, suffix, ok := splitDefault(text); ok {
		return spot{form: FormReference, ref: splitTemplate(inner), value: value, prefix: prefix, suffix: suffix}
	}
	s := spot{form: FormReference, ref: splitTemplate(text), value: value}
	if prefix, inner, suffix, ok := splitDefault(s.ref.Tag); ok {
		s.form, s.prefix, s.suffix = FormTag, text[:len(s.ref.Repository)+1]+prefix, suffix+text[len(s.ref.Repository)+1+len(s.ref.Tag):]
		s.ref.Tag, s.ref.Digest = splitDigest(inner)
	}
	return s
}

// withRegistry puts what other keys hold in front of the repository; the value
// keeps its own spelling.
func (s spot) withRegistry(front string) spot {
	if joined := join(front, s.ref.Repository); joined != s.ref.Repository {
		s.written, s.ref.Repository = s.ref.Repository, joined
	}
	return s
}

// withTag reads the tag, and the digest in it or beside it.
func (s spot) withTag(tag *yamledit.Node) spot {
	text := tag.Value()
	if prefix, inner, suffix, ok := splitDefault(text); ok {
		text, s.prefix, s.suffix = inner, prefix, suffix
	}
	s.ref.Tag, s.ref.Digest = splitDigest(text)
	if s.digest != nil && s.digest.Value() != "" {
		s.ref.Digest = fullDigest(s.digest.Value())
	}
	return s
}

// splitDigest cuts a tag from its digest. An @ in any other text is another tool's.
func splitDigest(text string) (tag, digest string) {
	at := strings.LastIndex(text, "@")
	if at >= 0 && digestPattern.MatchString(text[at+1:]) {
		return text[:at], text[at+1:]
	}
	return text, ""
}

var digestPattern = lazyregexp.New(`^(sha\d+:|\{\{|\$[{(])`)

// fallbacks are the spots of the strings that the spot's template actions fall
// back to; the spot itself, when there are none.
func (s spot) fallbacks() []spot {
	if s.fill != "" || !s.value.HasAction() {
		return []spot{s}
	}
	literals := s.value.Fallbacks()
	if s.computedTag() != "" {
		return []spot{s.tagFallback(literals)}
	}
	spots := []spot{s}
	for _, literal := range literals {
		if ref, err := image.Parse(literal.Value); err == nil && (ref.Tag != "" || ref.Digest != "") {
			spots = append(spots, spot{form: FormReference, ref: ref, value: s.value, literal: &literal})
		}
	}
	return spots
}

// tagFallback reads acme/web:{{ .tag | default "1.2" }}, and the same with a
// repository that has a fallback too.
func (s spot) tagFallback(literals []yamledit.Scalar) spot {
	if len(literals) == 2 && strings.HasPrefix(s.ref.Repository, "{{") && image.CheckRepository(literals[0].Value) == nil {
		s.ref.Repository, literals = literals[0].Value, literals[1:]
	}
	if len(literals) != 1 {
		return s
	}
	tag, digest, _ := strings.Cut(literals[0].Value, "@")
	if image.CheckTag(tag) != nil {
		return s
	}
	s.form, s.literal = FormTag, &literals[0]
	s.ref.Tag, s.ref.Digest = tag, digest
	return s
}

// path is the path of the value that the spot changes or puts in.
func (s spot) path() keypath.Path {
	if s.fill != "" {
		return s.value.Path().Parent().Child(s.fill)
	}
	return s.value.Path()
}

func (s spot) target(file string) Target {
	return Target{File: file, Path: s.path(), Form: s.form, Line: s.value.Line(), Doc: s.value.Document(), Current: s.ref}
}

// names reports whether the spot is the repository's. Where an action computes
// the repository's beginning, the literal segments behind it decide.
func (s spot) names(repository string) bool {
	if repository == "" {
		return false
	}
	for _, written := range append([]string{s.ref.Repository}, s.also...) {
		if isNamed(written, repository) {
			return true
		}
	}
	return false
}

// isNamed reports whether written, in which actions and variables may be, is the
// repository. Only a registry can be in front of a single literal segment: what
// computes more may be another image's.
func isNamed(written, repository string) bool {
	if !mayHoldAction(written) {
		return image.SameRepository(written, repository)
	}
	written = withDefaults(written)
	tail, isComputed := literalTail(written)
	if !isComputed {
		return image.SameRepository(written, repository)
	}
	front, found := strings.CutSuffix(image.Canonical(repository), tail)
	return found && strings.HasPrefix(tail, "/") && (strings.Count(tail, "/") > 1 || !strings.Contains(front, "/"))
}

// short is the repository without what other keys put in front of it.
func (s spot) short() string {
	if s.written != "" {
		return s.written
	}
	return s.bare
}

// isBehind reports whether a global registry makes the spot another image than the
// wanted one.
func (s spot) isBehind(registry *yamledit.Node, repository string) bool {
	return s.bare != "" && !image.SameRepository(join(registry.Value(), s.bare), repository)
}

// isNameless reports whether a template action computes the whole repository,
// so that only a path can say whose place it is.
func (s spot) isNameless() bool {
	tail, isComputed := literalTail(s.ref.Repository)
	return isComputed && tail == ""
}

// isTagged reports whether the spot has a literal tag or a digest.
func (s spot) isTagged() bool {
	return s.ref.Digest != "" || s.ref.Tag != "" && image.CheckTag(s.ref.Tag) == nil
}

// computedTag is what another tool puts the tag in place of: a template action, a
// variable ${…}, or any other text that no tag can be; or "".
func (s spot) computedTag() string {
	for _, marks := range [][2]string{{"{{", "}}"}, {"${", "}"}, {"$(", ")"}} {
		start := strings.Index(s.ref.Tag, marks[0])
		if start < 0 {
			continue
		}
		if end := strings.LastIndex(s.ref.Tag, marks[1]); end > start {
			return s.ref.Tag[start : end+len(marks[1])]
		}
		return s.ref.Tag[start:]
	}
	switch {
	case s.ref.Tag == "" || image.CheckTag(s.ref.Tag) == nil && !isPlaceholder(s.ref.Tag):
		return ""
	case s.form == FormReference && !isPlaceholder(s.ref.Tag):
		return "" // a pattern
	}
	return s.ref.Tag
}

// isPattern reports whether what looks like a reference has no tag that a
// registry could have: image: "redis:*" chooses images, and names none.
func (s spot) isPattern() bool {
	return s.form == FormReference && s.ref.Tag != "" && s.computedTag() == "" && image.CheckTag(s.ref.Tag) != nil
}

// computed says that the tag is made elsewhere, in the file f.
func (s spot) computed(f *file) error {
	tag, help := s.computedTag(), "set it where that gets its value"
	why := "the tag comes from a substitution (" + tag + ")"
	switch {
	case strings.Contains(tag, "{{"):
		why, help = "the tag comes from a template action ("+tag+")", f.sourceOfTag(s)
	case !strings.HasPrefix(tag, "$"):
		why, help = fmt.Sprintf("holds %q, which no tag can be: another tool puts the tag in", tag), "set it where that tool gets its value"
	}
	return &yamledit.Error{Path: s.value.Path(), Line: s.value.Line(), Err: yamledit.ErrNotFound, Why: why, Help: help}
}

// isSetBy reports whether the tag is made by an action whose literal is one of spots, on
// the same line: acme/web:{{ .Values.tag | default "1.0" }}.
func (s spot) isSetBy(spots []spot) bool {
	return s.literal == nil && s.computedTag() != "" &&
		slices.ContainsFunc(spots, func(other spot) bool { return other.literal != nil && other.value.Line() == s.value.Line() })
}

// isStale reports whether a new tag would be beside a digest of the old one.
func (s spot) isStale(ref image.Ref) bool {
	return ref.Digest == "" && s.ref.Digest != "" && ref.Tag != s.ref.Tag
}

func (s spot) staleDigest() error {
	n := s.value
	if s.digest != nil {
		n = s.digest
	}
	help := "give --pin-digest to write the new tag's digest as well"
	if actionPattern.MatchString(s.ref.Digest) {
		help = "set the tag and the digest where that comes from, or write both here"
	}
	return &yamledit.Error{
		Path: n.Path(), Line: n.Line(), Help: help,
		Why: fmt.Sprintf("the image is pinned by digest (%s), so a new tag alone would change nothing", shorten(s.ref.Digest)),
	}
}

func shorten(digest string) string {
	if !strings.Contains(digest, "{{") && len(digest) > len("sha256:")+8 {
		return digest[:len("sha256:")+8] + "…"
	}
	return digest
}

// textFor is what the spot's value reads once it holds ref.
func (s spot) textFor(ref image.Ref) string {
	if s.form == FormDigest {
		if ref.Digest == "" {
			return s.value.Value() // the same tag: nothing to write
		}
		return digestText(s.value, ref.Digest)
	}
	want := image.Ref{Tag: ref.Tag, Digest: ref.Digest}
	if want.Digest == "" {
		want.Digest = s.ref.Digest // not stale, so the tag's own
	}
	if s.digest != nil {
		want.Digest = ""
	}
	if s.form != FormReference {
		return s.prefix + strings.TrimPrefix(want.String(), ":") + s.suffix
	}
	want.Repository = s.ref.Repository
	if s.written != "" {
		want.Repository = s.written
	}
	return s.prefix + want.String() + s.suffix
}

// isEmpty reports whether the spot had nothing of what the form says.
func (s spot) isEmpty(form Form) bool {
	return s.ref.Digest == "" && (form == FormDigest || s.ref.Tag == "")
}

// isOwnDigest reports whether the digest gets a key of its own: kustomize has
// one for it, and newTag is for a tag.
func (s spot) isOwnDigest(ref image.Ref) bool {
	return ref.Digest != "" && s.digest == nil && s.ref.Digest == "" && s.form == FormTag && s.value.Key() == "newTag" && s.value.IsScalar()
}

// digestText writes the digest as the key beside the tag does: keys named sha
// leave out the algorithm, because their charts write it.
func digestText(n *yamledit.Node, digest string) string {
	if !strings.HasSuffix(strings.ToLower(n.Key()), "digest") && !strings.HasPrefix(n.Value(), "sha256:") {
		return strings.TrimPrefix(digest, "sha256:")
	}
	return digest
}

func fullDigest(text string) string {
	if strings.Contains(text, ":") || strings.Contains(text, "{{") {
		return text
	}
	return "sha256:" + text
}

// isReference tells repo, repo:tag and repo@digest from a bare tag.
func isReference(text, repository string) bool {
	name, _, _ := strings.Cut(text, "@")
	return strings.ContainsAny(name, "/:") || image.SameRepository(name, repository)
}

// actions is the expression of what other tools replace: template actions, variables.
const actions = `(?s)\{\{.*?\}\}|\$\{[^}]*\}|\$\([^)]*\)|<[^<>]*>|#\{[^}]*\}#?|%%[^%]*%%|\[\[.*?\]\]|@@[^@]*@@|\$[A-Za-z_][A-Za-z0-9_]*`

var (
	// actionPattern matches one action.
	actionPattern = lazyregexp.New(actions)
	// placeholderPattern matches an action, and names in underscores, which could be a tag.
	placeholderPattern = lazyregexp.New(actions + `|^__[A-Z0-9_]+__$|^ENC\[`)
	// defaultPattern matches ${VAR:-text}, in which text counts unless VAR is set.
	defaultPattern = lazyregexp.New(`^(\$\{[A-Za-z_][A-Za-z0-9_.]*:?[-=])([^${}]+)(\})$`)
	// insidePattern matches the defaults of variables and template actions in a text.
	insidePattern = lazyregexp.New(`\$\{[A-Za-z_][A-Za-z0-9_.]*:?[-=]([^${}]+)\}|\{\{[^{}]*\bdefault\s+"([^"{}]+)"[^{}]*\}\}`)
)

// mayHoldAction reports whether text has a character that begins a match of
// actionPattern: most texts have none, and the pattern is slow.
func mayHoldAction(text string) bool { return strings.ContainsAny(text, "{$<#%[@") }

// isPlaceholder reports whether text has what another tool replaces.
func isPlaceholder(text string) bool {
	return (mayHoldAction(text) || strings.HasPrefix(text, "__")) && placeholderPattern.MatchString(text)
}

// splitTemplate is [image.Split] for text in which template actions, and what
// other tools substitute, may hold : and @.
func splitTemplate(text string) image.Ref {
	if !mayHoldAction(text) {
		return image.Split(text)
	}
	hidden := actionPattern.ReplaceAllStringFunc(text, func(action string) string {
		return strings.Repeat("_", len(action))
	})
	ref := image.Split(hidden)
	rest := text[len(ref.Repository):]
	ref.Repository = text[:len(ref.Repository)]
	if ref.Tag != "" {
		ref.Tag, rest = rest[1:1+len(ref.Tag)], rest[1+len(ref.Tag):]
	}
	if ref.Digest != "" {
		ref.Digest = rest[len(rest)-len(ref.Digest):]
	}
	return ref
}

// splitDefault cuts ${VAR:-text} around text.
func splitDefault(text string) (prefix, inner, suffix string, ok bool) {
	if !strings.HasPrefix(text, "${") {
		return "", "", "", false
	}
	match := defaultPattern.FindStringSubmatch(text)
	if match == nil {
		return "", "", "", false
	}
	return match[1], match[2], match[3], true
}

// withDefaults replaces variables and actions by the text that they fall back to.
func withDefaults(text string) string {
	return insidePattern.ReplaceAllString(text, "$1$2")
}

// literalTail is what is behind the last action in text; false when there is none.
func literalTail(text string) (string, bool) {
	if !mayHoldAction(text) {
		return text, false
	}
	actions := actionPattern.FindAllStringIndex(text, -1)
	if len(actions) == 0 {
		return text, false
	}
	return text[actions[len(actions)-1][1]:], true
}

func itoa(n int) string { return strconv.Itoa(n) }

package plan

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// corpusDir returns the folder of real files that CORPUS names, else the files of
// the kinds that occur in the real ones: those are not ours to ship.
func corpusDir(tb testing.TB) string {
	tb.Helper()
	return cmp.Or(os.Getenv("CORPUS"), filepath.Join("..", "..", "testdata", "corpus", "own"))
}

const (
	corpusTag    = "v99.0-tagbump"
	corpusDigest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// TestCorpus bumps every image of every file in the folder CORPUS, and again
// with each file's bytes made odd. Which images there are is read off the lines
// with regular expressions, and from PROTOTYPE_REFS.jsonl where that lies beside
// the files; both know nothing of YAML. It prints a table of what became of them.
func TestCorpus(t *testing.T) {
	dir := corpusDir(t)
	files := readCorpus(t, dir)
	hints := prototypeRefs(t, dir)
	for _, m := range []struct {
		name   string
		mutate func(string) string
	}{
		{"as it is", func(text string) string { return text }},
		{"byte order mark", func(text string) string { return "\ufeff" + strings.TrimPrefix(text, "\ufeff") }},
		{"CR LF", func(text string) string {
			return strings.ReplaceAll(strings.ReplaceAll(text, "\r\n", "\n"), "\n", "\r\n")
		}},
		{"no final newline", func(text string) string { return strings.TrimRight(text, "\r\n") }},
		{"beyond ASCII", nonASCII},
	} {
		t.Run(m.name, func(t *testing.T) {
			c := corpusRun{t: t, rows: map[string]*corpusRow{}}
			for _, name := range sortedKeys(files) {
				c.file(name, []byte(m.mutate(files[name])), hints[name])
			}
			hints = nil // its lines are those of the files as they are
			c.print()
		})
	}
}

func readCorpus(tb testing.TB, dir string) map[string]string {
	tb.Helper()
	texts := map[string]string{}
	tree := os.DirFS(dir)
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !files.IsManifest(name) {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		texts[name] = string(text)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	if len(texts) == 0 {
		tb.Fatalf("%s: no YAML texts", dir)
	}
	return texts
}

// nonASCII puts a wide comment on every line's end that can take one, and a
// document of wide runes before the text.
func nonASCII(text string) string {
	var b strings.Builder
	if !strings.HasPrefix(text, "\ufeff") && !strings.HasPrefix(text, "%") {
		b.WriteString("# é😀 – ünïcode\n")
	}
	for _, line := range strings.SplitAfter(text, "\n") {
		if plainLine.MatchString(line) {
			body := strings.TrimRight(line, "\r\n")
			line = body + " # 😀é" + line[len(body):]
		}
		b.WriteString(line)
	}
	return b.String()
}

var plainLine = regexp.MustCompile(`^\s*(- )?[A-Za-z]+: [a-z0-9./:-]+\r?\n$`)

// A corpusRef is an image that stands on a line, by a reading that knows no YAML.
type corpusRef struct {
	line       int // of the tag, 1-based; of the repository when there is no tag
	repository string
	form       string
}

// prototypeRefs reads the check-list: what another program found, by file.
func prototypeRefs(t *testing.T, dir string) map[string][]corpusRef {
	t.Helper()
	list, err := os.ReadFile(filepath.Join(dir, "PROTOTYPE_REFS.jsonl"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	refs := map[string][]corpusRef{}
	for decoder := json.NewDecoder(bytes.NewReader(list)); ; {
		var entry struct {
			File string
			Refs []struct {
				Line      int
				Form      string
				Repo, Tag string
			}
		}
		if err := decoder.Decode(&entry); errors.Is(err, io.EOF) {
			return refs
		} else if err != nil {
			t.Fatal(err)
		}
		for _, r := range entry.Refs {
			if image.CheckRepository(r.Repo) == nil {
				refs[entry.File] = append(refs[entry.File], corpusRef{r.Line, r.Repo, "listed " + r.Form})
			}
		}
	}
}

var (
	imageLine = regexp.MustCompile(`^\s*(?:- )*["']?(?:image|[A-Za-z]+Image)["']?:\s+["']?([^\s"'{}#&*|>]+)["']?\s*(?:#.*)?$`)
	keyLine   = regexp.MustCompile(`^([\s-]*)["']?(registry|repository|tag|name|newName|newTag|image|imageTag)["']?:\s+["']?([^\s"'{}#&*|>]+)["']?\s*(?:#.*)?$`)
)

// refsByLine reads images off the lines of text.
func refsByLine(text string) []corpusRef {
	var refs []corpusRef
	lines := strings.Split(strings.TrimPrefix(text, "\ufeff"), "\n")
	for i, line := range lines {
		line = strings.TrimRight(line, "\r")
		if m := imageLine.FindStringSubmatch(line); m != nil {
			if ref, err := image.Parse(m[1]); err == nil && ref.Tag != "" {
				refs = append(refs, corpusRef{i + 1, ref.Repository, "image: repo:tag"})
			}
		}
		m := keyLine.FindStringSubmatch(line)
		if m == nil || m[2] != "tag" && m[2] != "newTag" && m[2] != "imageTag" {
			continue
		}
		if repository := besideLine(lines, i, len(m[1]), m[2]); repository != "" {
			refs = append(refs, corpusRef{i + 1, repository, "repository beside " + m[2]})
		}
	}
	return refs
}

// besideLine is the repository that stands at the same column in the lines
// around line i.
func besideLine(lines []string, i, column int, tagKey string) string {
	values := map[string]string{}
	for _, step := range []int{-1, 1} {
		for j := i + step; j >= 0 && j < len(lines); j += step {
			line := strings.TrimRight(lines[j], "\r")
			indent := len(line) - len(strings.TrimLeft(line, " -"))
			if trimmed := strings.TrimSpace(line); trimmed != "" && trimmed[0] != '#' && indent < column {
				break
			}
			startsItem := column >= 2 && len(line) > column && line[column-2] == '-'
			if step > 0 && startsItem {
				break
			}
			if m := keyLine.FindStringSubmatch(line); m != nil && len(m[1]) == column && values[m[2]] == "" && m[3] != "null" {
				values[m[2]] = m[3]
			}
			if step < 0 && startsItem {
				break
			}
		}
		if column >= 2 && len(lines[i]) > column && lines[i][column-2] == '-' && step < 0 {
			clear(values) // the tag begins the item: what stands above is another's
		}
	}
	keys := map[string][]string{"tag": {"repository"}, "newTag": {"newName", "name"}, "imageTag": {"image"}}[tagKey]
	for _, key := range keys {
		repository := values[key]
		if repository == "" {
			continue
		}
		if values["registry"] != "" && key == "repository" {
			repository = values["registry"] + "/" + repository
		}
		if image.CheckRepository(repository) != nil {
			return ""
		}
		return repository
	}
	return ""
}

// A corpusRow counts one shape: a kind of file and a form.
type corpusRow struct{ refs, bumped, pinned, refused int }

type corpusRun struct {
	t        *testing.T
	rows     map[string]*corpusRow
	refusals []string
	passed   []string // listed refs that are no place to write a tag, and why
}

func (c *corpusRun) row(name, form string) *corpusRow {
	key := fmt.Sprintf("%-13s | %s", kindOf(name), form)
	if c.rows[key] == nil {
		c.rows[key] = &corpusRow{}
	}
	return c.rows[key]
}

func kindOf(name string) string {
	switch base := path.Base(name); {
	case strings.Contains(name, "/templates/"):
		return "template"
	case strings.HasPrefix(base, "kustomization"):
		return "kustomization"
	case strings.HasPrefix(base, "values"):
		return "values"
	case base == "Chart.yaml":
		return "chart"
	}
	return "manifest"
}

// file bumps each image of one file, one image at a time.
func (c *corpusRun) file(name string, src []byte, listed []corpusRef) {
	byName := map[string][]corpusRef{}
	for _, ref := range refsByLine(string(src)) {
		byName[ref.repository] = append(byName[ref.repository], ref)
	}
	for _, ref := range listed {
		if _, known := byName[ref.repository]; !known {
			byName[ref.repository] = []corpusRef{ref}
		}
	}
	for _, s := range newFile(name, src).spots("mage") {
		name := s.ref.Repository
		if _, known := byName[name]; !known && image.CheckRepository(name) == nil && s.computedTag() == "" {
			byName[name] = nil // what only we found is bumped as well
		}
	}
	for _, repository := range sortedKeys(byName) {
		c.bump(name, src, repository, byName[repository])
	}
}

func (c *corpusRun) bump(name string, src []byte, repository string, refs []corpusRef) {
	tree := fstest.MapFS{name: &fstest.MapFile{Data: src}}
	targets, err := find(tree, repository)
	if err != nil {
		for _, ref := range refs {
			if ref.isExplained(err) {
				c.passed = append(c.passed, err.Error())
				continue
			}
			c.t.Errorf("%s:%d: %s (%s): %v", name, ref.line, repository, ref.form, err)
		}
		if len(refs) == 0 && !isLeft(err) {
			c.t.Errorf("%s: %s: %v", name, repository, err)
		}
		return
	}
	for _, ref := range refs {
		if !slices.ContainsFunc(targets, func(target Target) bool { return target.Line == ref.line || target.Line == ref.line+1 }) && !ref.isComputed() {
			c.t.Errorf("%s:%d: %s (%s): missed; found %v", name, ref.line, repository, ref.form, linesOf(targets))
		}
	}
	wants := wantsOf(targets, image.Ref{Repository: repository, Tag: corpusTag})
	if slices.ContainsFunc(targets, func(target Target) bool { return target.Current.Digest != "" }) {
		for i := range wants {
			wants[i].Ref.Digest = corpusDigest
		}
	}
	made, err := makePlan(tree, wants)
	for _, target := range targets {
		row := c.row(name, target.shape())
		row.refs++
		switch {
		case err != nil:
			row.refused++
		case target.Current.Digest != "":
			row.pinned++
		default:
			row.bumped++
		}
	}
	if err != nil {
		c.refusals = append(c.refusals, err.Error())
		return
	}
	if err := checkOnlyValues(made.Files[0]); err != nil {
		c.t.Errorf("%s: %s: %v", name, repository, err)
	}
	if err := checkUndo(tree, made.Files[0], targets, repository); err != nil {
		c.t.Errorf("%s: %s: undo: %v", name, repository, err)
	}
}

// isComputed reports whether the other program listed a literal repository with
// a templated tag, which is no place to write.
func (r corpusRef) isComputed() bool { return strings.HasSuffix(r.form, ":{{tag}}") }

// isExplained tells the refusals that are right: a place that is left for a reason,
// a tag that the values set, and a kustomize name whose newName is another image.
func (r corpusRef) isExplained(err error) bool {
	return isLeft(err) || r.isComputed() && strings.Contains(err.Error(), "comes from a template action") ||
		strings.HasPrefix(r.form, "listed g:kustomize") && errors.Is(err, ErrNoTarget)
}

// isLeft reports whether the error says why the image's places are left.
func isLeft(err error) bool {
	var e *missing
	return errors.As(err, &e) && len(e.left) > 0
}

func linesOf(targets []Target) []int {
	lines := make([]int, len(targets))
	for i, target := range targets {
		lines[i] = target.Line
	}
	return lines
}

// shape names how the target's image is written, for the table.
func (t Target) shape() string {
	shape := t.Form.String()
	switch {
	case t.Current.Tag == "" && t.Current.Digest != "":
		shape += ", digest only"
	case t.Current.Tag == "":
		shape += ", none yet"
	case t.Current.Digest != "":
		shape += " with digest"
	}
	if strings.Contains(t.Path.String(), " | ") {
		shape += ", in a block scalar"
	}
	if t.Form == FormTag {
		shape += " (" + t.Path.Key() + ")"
	}
	return shape
}

func (c *corpusRun) print() {
	var b strings.Builder
	var total corpusRow
	fmt.Fprintf(&b, "%-58s %5s %6s %6s %7s\n", "file          | form", "refs", "bumped", "pinned", "refused")
	for _, key := range sortedKeys(c.rows) {
		row := *c.rows[key]
		fmt.Fprintf(&b, "%-58s %5d %6d %6d %7d\n", key, row.refs, row.bumped, row.pinned, row.refused)
		total.refs, total.bumped = total.refs+row.refs, total.bumped+row.bumped
		total.pinned, total.refused = total.pinned+row.pinned, total.refused+row.refused
	}
	fmt.Fprintf(&b, "%-58s %5d %6d %6d %7d\n", "all", total.refs, total.bumped, total.pinned, total.refused)
	for _, refusal := range c.refusals {
		fmt.Fprintf(&b, "refused: %s\n", refusal)
	}
	for _, why := range c.passed {
		fmt.Fprintf(&b, "passed over: %.300s\n", why)
	}
	c.t.Logf("\n%s", b.String())
	if total.refs == 0 {
		c.t.Error("the folder names no image")
	}
}

// checkOnlyValues holds a planned file against its changes: other lines are the
// same bytes, in the changed ones only the value's own bytes differ, and the
// decoded documents differ in exactly these values.
func checkOnlyValues(f File) error {
	before, after := bytes.SplitAfter(f.Before, []byte("\n")), bytes.SplitAfter(f.After, []byte("\n"))
	changed, inserted := map[int]bool{}, 0
	for _, change := range f.Changes {
		changed[change.Target.Line] = true
	}
	differing := 0
	for i := range before {
		for inserted+i < len(after) && isInserted(string(before[i]), string(after[i+inserted]), f.Changes) {
			inserted++
			differing++
		}
		if i+inserted >= len(after) {
			return fmt.Errorf("%d lines are now %d", len(before), len(after))
		}
		if i+1 == len(before) && !bytes.HasSuffix(before[i], []byte("\n")) {
			after[i+inserted] = bytes.TrimRight(after[i+inserted], "\r\n") // something may stand behind the last line now
		}
		if bytes.Equal(before[i], after[i+inserted]) {
			continue
		}
		differing++
		if !onlyValuesDiffer(string(before[i]), string(after[i+inserted]), changesAt(f, i+1)) {
			return fmt.Errorf("line %d: %q is now %q, which no change explains", i+1, before[i], after[i+inserted])
		}
	}
	for len(before)+inserted < len(after) && isInserted("", string(after[len(before)+inserted]), f.Changes) {
		inserted++
		differing++
	}
	if len(before)+inserted != len(after) {
		return fmt.Errorf("%d lines are now %d", len(before), len(after))
	}
	if differing < len(changed) && inserted == 0 || differing > len(f.Changes) {
		return fmt.Errorf("%d lines differ, of %d changes", differing, len(f.Changes))
	}
	return checkDecoded(f)
}

// isInserted reports whether the line is one that a change put in whole: where
// the key was there, it is not.
func isInserted(before, after string, changes []Change) bool {
	return slices.ContainsFunc(changes, func(c Change) bool {
		key, value, found := strings.Cut(strings.TrimSpace(after), ": ")
		isNew := found && c.Filled && c.Old == "" && key == c.Target.Path.Key() && strings.Trim(value, `"`) == c.New
		return isNew && !strings.HasPrefix(strings.TrimLeft(before, " -"), key+":")
	})
}

// changesAt lists the changes of the line (1-based), or of the header of the
// one-line block scalar above it.
func changesAt(f File, line int) []Change {
	return slices.DeleteFunc(slices.Clone(f.Changes), func(c Change) bool { return c.Target.Line != line && c.Target.Line != line-1 })
}

// onlyValuesDiffer makes the changes in the line as a person with a pen would,
// and compares but for quotes. Not all changes need be seen in it: a digest's
// and a tag's can be on two lines.
func onlyValuesDiffer(before, after string, changes []Change) bool {
	for chosen := 1; chosen < 1<<len(changes); chosen++ {
		want, got := unquoted(before), unquoted(after)
		for i, c := range changes {
			if chosen&(1<<i) != 0 {
				want, got = penned(want, got, c)
			}
		}
		if want == got {
			return true
		}
	}
	return false
}

func unquoted(line string) string {
	line = strings.NewReplacer(": null", ":", ": ~", ":", `: ""`, ":", ": ''", ":").Replace(line)
	return strings.NewReplacer(`"`, "", "'", "").Replace(line)
}

// penned replaces the old value behind its key in want; a key that is new is
// taken off got.
func penned(want, got string, c Change) (string, string) {
	key, old, value := c.Target.Path.Key(), unquoted(c.Old), unquoted(c.New)
	place := key + ": " + old
	if old == "" {
		place = key + ":"
	}
	if before, after, found := strings.Cut(want, place); found && key != "" {
		return before + key + ": " + value + after, got
	}
	if old == "" {
		return want, strings.Replace(got, ", "+key+": "+value, "", 1)
	}
	return strings.Replace(want, old, value, 1), got
}

// checkDecoded compares every value of every document. A text that only reads
// with placeholders for its actions is compared as yamledit sees it.
func checkDecoded(f File) error {
	before, after, err := leaves(f.Before), leaves(f.After), error(nil)
	if before == nil || after == nil {
		before, err = templateLeaves(f.Before)
		if err == nil {
			after, err = templateLeaves(f.After)
		}
	}
	switch {
	case err != nil:
		return err
	}
	differing := 0
	before, after, differing = withoutInserted(before, after, f.Changes)
	if len(before) != len(after) {
		return fmt.Errorf("%d values are now %d", len(before), len(after))
	}
	for i := range before {
		if before[i] == after[i] {
			continue
		}
		differing++
		if !slices.ContainsFunc(f.Changes, func(c Change) bool { return isChanged(before[i], after[i], c) }) {
			return fmt.Errorf("%+v is now %+v, which no change explains", before[i], after[i])
		}
	}
	if differing == 0 {
		return errors.New("no value differs")
	}
	return nil
}

// withoutInserted takes the keys and values that changes put in off after.
func withoutInserted(before, after []leaf, changes []Change) (b, a []leaf, inserted int) {
	for i := 0; i+1 < len(after) && len(before) != len(after); {
		at := min(i, len(before)-1)
		if (i >= len(before) || before[at].value != after[i].value) && isInserted(before[at].value+":", after[i].value+": "+after[i+1].value, changes) {
			after = slices.Delete(slices.Clone(after), i, i+2)
			inserted++
			continue
		}
		i++
	}
	for i := range after {
		if inserted > 0 && i < len(before) {
			after[i].path = before[i].path // later siblings have moved
		}
	}
	return before, after, inserted
}

func isChanged(before, after leaf, c Change) bool {
	if before.path != after.path {
		return false
	}
	if strings.Contains(c.Target.Path.String(), " | ") || strings.Contains(before.value, "{{") {
		return strings.Contains(after.value, c.New) && strings.Contains(before.value, c.Old)
	}
	return strings.TrimSpace(after.value) == c.New && after.tag == "!!str"
}

type leaf struct{ path, value, tag string }

// leaves are all scalars of all documents; nil when src is no YAML as it stands.
func leaves(src []byte) []leaf {
	var all []leaf
	for decoder := yaml.NewDecoder(bytes.NewReader(src)); ; {
		var doc yaml.Node
		err := decoder.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			return nil
		}
		all = addLeaves(all, "", &doc)
	}
}

func addLeaves(all []leaf, at string, n *yaml.Node) []leaf {
	if n.Kind == yaml.ScalarNode || n.Kind == yaml.AliasNode {
		return append(all, leaf{at, n.Value, n.Tag})
	}
	for i, child := range n.Content {
		all = addLeaves(all, fmt.Sprintf("%s/%d", at, i), child)
	}
	return all
}

func templateLeaves(src []byte) ([]leaf, error) {
	text, err := parse(src)
	if err != nil {
		return nil, err
	}
	var all []leaf
	for _, root := range text.Documents() {
		root.Walk(func(n *yamledit.Node) {
			if n.IsScalar() {
				all = append(all, leaf{n.Path().String(), n.Value(), "!!str"})
			}
		})
	}
	return all, nil
}

// checkUndo plans the old references on the new text. That gives the old bytes,
// but for quotes that an old number-like tag gains.
func checkUndo(tree fstest.MapFS, f File, targets []Target, repository string) error {
	after := fstest.MapFS{f.Name: &fstest.MapFile{Data: f.After}}
	var wants []Want
	for _, target := range targets {
		if target.Current.Tag == "" || target.Current.Digest != targets[0].Current.Digest {
			return nil // nothing can be planned that takes a tag or digest away
		}
		wants = append(wants, Want{Target: target, Ref: image.Ref{Repository: repository, Tag: target.Current.Tag, Digest: target.Current.Digest}})
	}
	made, err := makePlan(after, wants)
	if err != nil {
		return err
	}
	got, want := made.Files[0].After, tree[f.Name].Data
	if bytes.Equal(got, want) {
		return nil
	}
	for i, line := range strings.Split(string(got), "\n") {
		old := strings.Split(string(want), "\n")[i]
		if line != old && strings.ReplaceAll(line, `"`, "") != old {
			return fmt.Errorf("line %d is %q, not %q", i+1, line, old)
		}
	}
	return nil
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/tagbump/tagbump/testdata/bench/corpus"
	"gopkg.in/yaml.v3"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"
)

// A verdict is what became of one edit.
type verdict struct {
	failed       error // no text came out
	wrong        error // the target is not set, something else changed its value, or the text is broken
	minimal      bool  // one line differs, and in it only the value; quotes and comment stay
	oneLine      bool  // one line differs; quotes and comment may have gone
	collateral   int   // lines that differ beside the target's, as git counts them
	crlfLost     bool
	commentsLost bool
}

// A judge compares texts before and after an edit.
type judge struct {
	ctx context.Context
	dir string
}

func newJudge(ctx context.Context) (*judge, error) {
	dir, err := os.MkdirTemp("", "editors-")
	return &judge{ctx: ctx, dir: dir}, err
}

func (j *judge) close() { os.RemoveAll(j.dir) }

// judge says what after is as the sample's edit.
func (j *judge) judge(s corpus.Sample, after []byte) (verdict, error) {
	v := verdict{
		crlfLost:     bytes.Count(after, []byte("\r\n")) < bytes.Count(s.Text, []byte("\r\n")),
		commentsLost: losesComment(s.Text, after),
	}
	if s.Shape == corpus.PlainYAML {
		v.wrong = sameButTarget(s, after)
	} else if !onlyValueDiffers(s, after) {
		v.wrong = errors.New("bytes outside the value differ")
	}
	added, removed, err := j.numstat(s.Text, after)
	if err != nil {
		return verdict{}, err
	}
	v.collateral = max(added, removed, 1) - 1
	v.oneLine = v.wrong == nil && added == 1 && removed == 1
	v.minimal = v.oneLine && onlyValueDiffers(s, after)
	return v, nil
}

// numstat counts lines as git does.
func (j *judge) numstat(before, after []byte) (added, removed int, err error) {
	if added, ok := sameLinesBut(before, after); ok {
		return added, added, nil
	}
	for name, text := range map[string][]byte{"before": before, "after": after} {
		if err := os.WriteFile(filepath.Join(j.dir, name), text, 0o600); err != nil {
			return 0, 0, err
		}
	}
	git := exec.CommandContext(j.ctx, "git", "diff", "--no-index", "--numstat", "--text", "--no-ext-diff", "before", "after")
	git.Dir = j.dir
	git.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	out, err := git.Output()
	var exit *exec.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		return 0, 0, fmt.Errorf("git diff: %w", err)
	}
	fields := strings.Fields(string(out))
	if len(fields) < 2 {
		return 0, 0, fmt.Errorf("git diff: unexpected output %q", out)
	}
	if added, err = strconv.Atoi(fields[0]); err != nil {
		return 0, 0, err
	}
	removed, err = strconv.Atoi(fields[1])
	return added, removed, err
}

// sameLinesBut spares a call of git where at most one line differs in place.
func sameLinesBut(before, after []byte) (differ int, ok bool) {
	a, b := lines(before), lines(after)
	if len(a) != len(b) {
		return 0, false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			differ++
		}
	}
	return differ, differ <= 1
}

func lines(text []byte) [][]byte { return bytes.SplitAfter(text, []byte("\n")) }

// onlyValueDiffers holds when after is before with the old tag (and digest)
// replaced by the new on a single line. Where the new tag is no string without quotes, a
// plain value may have got them.
func onlyValueDiffers(s corpus.Sample, after []byte) bool {
	a, b := lines(s.Text), lines(after)
	if len(a) != len(b) {
		return false
	}
	differ := -1
	for i := range a {
		if bytes.Equal(a[i], b[i]) {
			continue
		}
		if differ >= 0 {
			return false
		}
		differ = i
	}
	if differ < 0 {
		return false
	}
	if replaces(a[differ], b[differ], s.OldPart, s.NewPart) {
		return true
	}
	return !isString(s.New) && replaces(a[differ], b[differ], s.Old, `"`+s.New+`"`)
}

// replaces reports whether b is a with one occurrence of old replaced.
func replaces(a, b []byte, old, with string) bool {
	for i := range a {
		if bytes.HasPrefix(a[i:], []byte(old)) && string(b) == string(a[:i])+with+string(a[i+len(old):]) {
			return true
		}
	}
	return false
}

// isString reports whether value is read as a string without quotes, by YAML
// 1.1 (Helm, kustomize) and by 1.2.
func isString(value string) bool {
	plain := &yaml.Node{Kind: yaml.ScalarNode, Value: value}
	return plain.ShortTag() == "!!str" && !kyaml.IsYaml1_1NonString(&kyaml.Node{Kind: kyaml.ScalarNode, Value: value})
}

// sameButTarget decodes both texts and holds every value against its
// counterpart. Comments, styles and empty documents may differ here.
func sameButTarget(s corpus.Sample, after []byte) error {
	before, err := corpus.Decode(s.Text)
	if err != nil {
		return fmt.Errorf("before: %w", err)
	}
	target := corpus.NodeOf(before[s.Want.Target.Doc], s.Steps)
	if target == nil || strings.TrimRight(target.Value, "\n") != s.Old {
		return errors.New("the target is not where tagbump says it is")
	}
	now, err := corpus.Decode(after)
	if err != nil {
		return fmt.Errorf("does not parse any more: %w", err)
	}
	a, b := corpus.WithoutEmpty(before), corpus.WithoutEmpty(now)
	if len(a) != len(b) {
		return fmt.Errorf("%d documents are now %d", len(a), len(b))
	}
	for i := range a {
		if err := (comparison{target, s.New}).node(a[i], b[i]); err != nil {
			return err
		}
	}
	return nil
}

type comparison struct {
	target *yaml.Node
	want   string
}

func (c comparison) node(a, b *yaml.Node) error {
	if a == c.target {
		return c.edited(b)
	}
	if a.Kind == b.Kind && a.ShortTag() == "!!null" && b.ShortTag() == "!!null" {
		return nil // however it is spelled
	}
	if a.Kind != b.Kind || a.Value != b.Value || a.ShortTag() != b.ShortTag() || a.Anchor != b.Anchor || len(a.Content) != len(b.Content) {
		return fmt.Errorf("line %d: %q (%s) is now %q (%s)", a.Line, shorten(a.Value), a.ShortTag(), shorten(b.Value), b.ShortTag())
	}
	for i := range a.Content {
		if err := c.node(a.Content[i], b.Content[i]); err != nil {
			return err
		}
	}
	return nil
}

func (c comparison) edited(b *yaml.Node) error {
	if b.Kind != yaml.ScalarNode || strings.TrimSuffix(b.Value, "\n") != c.want {
		return fmt.Errorf("line %d: the target reads %q", b.Line, shorten(b.Value))
	}
	if b.ShortTag() != "!!str" || b.Style == 0 && !isString(b.Value) {
		return fmt.Errorf("line %d: the target %q is no string", b.Line, b.Value)
	}
	return nil
}

func shorten(value string) string {
	if len(value) > 40 {
		return value[:40] + "…"
	}
	return value
}

var commentPattern = regexp.MustCompile(`(?m)(?:^|[ \t])(#.*)$`)

// losesComment counts each comment's text in both, with white space made one.
func losesComment(before, after []byte) bool {
	a, b := oneSpace(before), oneSpace(after)
	for _, match := range commentPattern.FindAllSubmatch(before, -1) {
		comment := oneSpace(match[1])
		if bytes.Count(b, comment) < bytes.Count(a, comment) {
			return true
		}
	}
	return false
}

func oneSpace(text []byte) []byte { return bytes.Join(bytes.Fields(text), []byte(" ")) }

package textedit

import (
	"bytes"
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// hclSyntax reads HCL: terraform.tfvars, main.tf, nomad jobs.
//
// An attribute is a key. A block is a key with the keys of its body, and its labels
// are keys between: resource.helm_release.web.version. Blocks with the same type
// and labels are a list. What jsonencode and yamlencode are given is read as if it
// were written without them.
//
// The reader is our own, because HashiCorp's, with its type system and functions,
// adds 1.6 MB to the program and computes values that this one only has to find. Both read
// the same values at the same places; testdata/bench/hcl compares them.
type hclSyntax struct{}

func readHCL(src []byte) (*yamledit.Text, error) { return yamledit.ParseForeign(src, hclSyntax{}) }

// Read returns the tree of the file's body.
func (hclSyntax) Read(src []byte) (yamledit.Tree, error) {
	start := len(src) - len(bytes.TrimPrefix(src, []byte("\ufeff")))
	p := &hclParser{src: src, pos: start}
	fields := p.body(endOfFile)
	if p.why != "" {
		return yamledit.Tree{}, &yamledit.Error{Line: 1 + bytes.Count(src[:p.failed], []byte("\n")), Why: p.why}
	}
	return yamledit.Tree{Kind: yamledit.MappingTree, Offset: start, Below: fields}, nil
}

// An hclBlock is a block as it is written: resource "helm_release" "web" { … }.
type hclBlock struct {
	names   []string // the type and the labels
	offsets []int    // of the names
	body    yamledit.Tree
}

// blockFields returns a field for each type of the blocks or, with level > 0, for
// each label at that level.
func blockFields(blocks []hclBlock, level int) []yamledit.Tree {
	var keys []string
	same, deeper := map[string][]hclBlock{}, map[string][]hclBlock{}
	for _, block := range blocks {
		key := block.names[level]
		if same[key] == nil && deeper[key] == nil {
			keys = append(keys, key)
		}
		if level == len(block.names)-1 {
			same[key] = append(same[key], block)
		} else {
			deeper[key] = append(deeper[key], block)
		}
	}
	var fields []yamledit.Tree
	for _, key := range keys {
		if blocks := same[key]; len(blocks) > 0 {
			fields = append(fields, bodies(blocks).Named(key, blocks[0].offsets[level]))
		}
		if blocks := deeper[key]; len(blocks) > 0 {
			below := yamledit.Tree{Kind: yamledit.MappingTree, Offset: blocks[0].offsets[0], Below: blockFields(blocks, level+1)}
			fields = append(fields, below.Named(key, blocks[0].offsets[level]))
		}
	}
	return fields
}

// bodies returns the body of the only block, or a list of all.
func bodies(blocks []hclBlock) yamledit.Tree {
	list := yamledit.Tree{Kind: yamledit.ListTree, Offset: blocks[0].body.Offset}
	for _, block := range blocks {
		list.Below = append(list.Below, block.body)
	}
	if len(blocks) == 1 {
		return list.Below[0]
	}
	return list
}

// Write keeps the expressions inside a string, and writes every other value as a
// string of its own.
func (hclSyntax) Write(old yamledit.Token, value string) (string, bool) {
	if isMixed := old.IsString && old.Text == `"`+old.Value+`"` && hasExpression(old.Value); isMixed {
		return `"` + value + `"`, plainWord.MatchString(expression.ReplaceAllString(value, "")) && sameExpressions(old.Value, value)
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "${", "$${", "%{", "%%{").Replace(value) + `"`, true
}

var (
	// expression matches what a reader computes inside a string: ${…}, %{…} or $NAME.
	expression = lazyregexp.New(`[$%]\{[^{}]*\}|\$[A-Za-z_][A-Za-z0-9_]*`)
	// plainWord matches text that means itself in every format, quoted or not.
	plainWord = lazyregexp.New(`^[A-Za-z0-9_./@:+=,-]*$`)
)

func hasExpression(text string) bool { return expression.MatchString(text) }

func sameExpressions(a, b string) bool {
	return slices.Equal(expression.FindAllString(a, -1), expression.FindAllString(b, -1))
}

package hcl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"

	"github.com/tagbump/tagbump/pkg/yamledit"
)

// theirs reads HCL by HashiCorp's own parser, into the tree that textedit reads it into.
type theirs struct{}

// Read returns the tree of the file's body.
func (theirs) Read(src []byte) (yamledit.Tree, error) {
	if err := checkNesting(src); err != nil {
		return yamledit.Tree{}, err
	}
	file, diagnostics := hclsyntax.ParseConfig(src, "", hcl.InitialPos)
	if diagnostics.HasErrors() {
		return yamledit.Tree{}, hclError(diagnostics)
	}
	return hclReader{src}.body(file.Body.(*hclsyntax.Body), 0), nil
}

func hclError(diagnostics hcl.Diagnostics) error {
	first := diagnostics.Errs()[0].(*hcl.Diagnostic)
	e := &yamledit.Error{Why: "cannot be parsed as HCL: " + strings.ToLower(first.Summary[:1]) + first.Summary[1:]}
	if first.Subject != nil {
		e.Line = first.Subject.Start.Line
	}
	return e
}

// maxNesting bounds what makes the parser call itself.
const maxNesting = 200

// checkNesting refuses texts that would exhaust the parser's stack.
func checkNesting(src []byte) error {
	tokens, _ := hclsyntax.LexConfig(src, "", hcl.InitialPos)
	depth, signs, choices := 0, 0, 0
	for _, token := range tokens {
		switch token.Type {
		case hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenOParen, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl, hclsyntax.TokenOQuote:
			depth++
		case hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenCParen, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote:
			depth--
		case hclsyntax.TokenBang, hclsyntax.TokenMinus:
			signs++
			continue
		case hclsyntax.TokenQuestion:
			choices++
		}
		if signs > maxNesting || depth > maxNesting || choices > 50*maxNesting {
			return &yamledit.Error{Line: token.Range.Start.Line, Why: fmt.Sprintf("is nested deeper than %d levels", maxNesting)}
		}
		signs = 0
	}
	return nil
}

type hclReader struct{ src []byte }

func (r hclReader) body(body *hclsyntax.Body, offset int) yamledit.Tree {
	tree := yamledit.Tree{Kind: yamledit.MappingTree, Offset: offset}
	for _, attribute := range body.Attributes {
		field := r.expression(attribute.Expr)
		field.Key, field.KeyOffset = attribute.Name, attribute.NameRange.Start.Byte
		tree.Below = append(tree.Below, field)
	}
	tree.Below = append(tree.Below, r.blocks(body.Blocks, 0)...)
	slices.SortFunc(tree.Below, func(a, b yamledit.Tree) int { return a.KeyOffset - b.KeyOffset })
	return tree
}

// blocks returns a field for each type of the blocks or, with level > 0, for each
// label at that level.
func (r hclReader) blocks(blocks hclsyntax.Blocks, level int) []yamledit.Tree {
	var fields []yamledit.Tree
	seen := map[string]bool{}
	for _, block := range blocks {
		key, keyRange := blockKey(block, level)
		if seen[key] {
			continue
		}
		seen[key] = true
		var same, deeper hclsyntax.Blocks
		for _, other := range blocks {
			switch otherKey, _ := blockKey(other, level); {
			case otherKey != key:
			case len(other.Labels) > level:
				deeper = append(deeper, other)
			default:
				same = append(same, other)
			}
		}
		if len(same) > 0 {
			fields = append(fields, r.bodies(same).Named(key, keyRange.Start.Byte))
		}
		if len(deeper) > 0 {
			field := yamledit.Tree{Kind: yamledit.MappingTree, Offset: deeper[0].Range().Start.Byte, Below: r.blocks(deeper, level+1)}
			fields = append(fields, field.Named(key, keyRange.Start.Byte))
		}
	}
	return fields
}

func blockKey(block *hclsyntax.Block, level int) (string, hcl.Range) {
	if level == 0 {
		return block.Type, block.TypeRange
	}
	return block.Labels[level-1], block.LabelRanges[level-1]
}

// bodies returns the body of the only block, or a list of all.
func (r hclReader) bodies(blocks hclsyntax.Blocks) yamledit.Tree {
	list := yamledit.Tree{Kind: yamledit.ListTree, Offset: blocks[0].OpenBraceRange.Start.Byte}
	for _, block := range blocks {
		list.Below = append(list.Below, r.body(block.Body, block.OpenBraceRange.Start.Byte))
	}
	if len(blocks) == 1 {
		return list.Below[0]
	}
	return list
}

func (r hclReader) expression(expr hclsyntax.Expression) yamledit.Tree {
	at := expr.Range().Start.Byte
	switch e := expr.(type) {
	case *hclsyntax.ObjectConsExpr:
		tree := yamledit.Tree{Kind: yamledit.MappingTree, Offset: at}
		for _, item := range e.Items {
			if key, ok := objectKey(item.KeyExpr); ok {
				tree.Below = append(tree.Below, r.expression(item.ValueExpr).Named(key, item.KeyExpr.Range().Start.Byte))
			}
		}
		return tree
	case *hclsyntax.TupleConsExpr:
		tree := yamledit.Tree{Kind: yamledit.ListTree, Offset: at}
		for _, item := range e.Exprs {
			tree.Below = append(tree.Below, r.expression(item))
		}
		return tree
	case *hclsyntax.ParenthesesExpr:
		return r.expression(e.Expression)
	case *hclsyntax.FunctionCallExpr:
		if (e.Name == "jsonencode" || e.Name == "yamlencode") && len(e.Args) == 1 {
			return r.expression(e.Args[0])
		}
	}
	return yamledit.Tree{Offset: at, Token: r.token(expr)}
}

// objectKey returns a key that is a word, a string or a number.
func objectKey(expr hclsyntax.Expression) (string, bool) {
	value, diagnostics := expr.Value(nil)
	if diagnostics.HasErrors() {
		return "", false
	}
	text, err := convert.Convert(value, cty.String)
	if err != nil || text.IsNull() {
		return "", false
	}
	return text.AsString(), true
}

// token returns the single value of the expression.
func (r hclReader) token(expr hclsyntax.Expression) yamledit.Token {
	where := expr.Range()
	t := yamledit.Token{Style: yamledit.Plain, Start: where.Start.Byte, End: where.End.Byte, Text: string(where.SliceBytes(r.src))}
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		t.Value = t.Text
		return t
	case *hclsyntax.TemplateExpr:
		return stringToken(t, e)
	case *hclsyntax.TemplateWrapExpr: // "${var.tag}"
		t.Value = strings.Trim(t.Text, `"`)
	default:
		t.Value = "${" + t.Text + "}"
	}
	t.Fixed = "is computed by an expression"
	if strings.Contains(t.Value, "\n") {
		t.Value = "${…}"
	}
	return t
}

func stringToken(t yamledit.Token, e *hclsyntax.TemplateExpr) yamledit.Token {
	t.IsString = true
	if !strings.HasPrefix(t.Text, `"`) {
		t.Style, t.Fixed = yamledit.Block, "goes over several lines"
		return t
	}
	t.Style = yamledit.DoubleQuoted
	inside := t.Text[1 : len(t.Text)-1]
	if e.IsStringLiteral() || len(e.Parts) == 0 {
		value, _ := e.Value(nil)
		t.Value = value.AsString()
		return t
	}
	t.Value = inside
	if strings.Contains(inside, `\`) || strings.Contains(inside, "$${") || strings.Contains(inside, "%%{") {
		t.Fixed = "has escapes beside an expression"
	}
	return t
}

// Write is not asked for.
func (theirs) Write(yamledit.Token, string) (string, bool) { return "", false }

package main

import (
	"go/ast"
	"go/token"
)

// cyclomaticOf returns the number of independent ways through body.
func cyclomaticOf(body *ast.BlockStmt) int {
	count := 1
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			count++
		case *ast.CaseClause:
			if n.List != nil {
				count++
			}
		case *ast.CommClause:
			if n.Comm != nil {
				count++
			}
		case *ast.BinaryExpr:
			if n.Op == token.LAND || n.Op == token.LOR {
				count++
			}
		}
		return true
	})
	return count
}

// cognitiveOf returns the cognitive complexity of body: each break of the linear
// flow counts one, and one more for each level of nesting that it is in.
func cognitiveOf(body *ast.BlockStmt) int {
	c := &cognition{}
	c.nested(body, 0)
	return c.count
}

type cognition struct{ count int }

// nested counts what is below n, which is on the given level of nesting.
func (c *cognition) nested(n ast.Node, level int) {
	ast.Inspect(n, func(child ast.Node) bool {
		switch child := child.(type) {
		case *ast.IfStmt:
			c.count += 1 + level
			c.branch(child, level)
			return false
		case *ast.ForStmt:
			c.count += 1 + level
			c.each(level, child.Init, child.Cond, child.Post)
			c.nested(child.Body, level+1)
			return false
		case *ast.RangeStmt:
			c.count += 1 + level
			c.each(level, child.X)
			c.nested(child.Body, level+1)
			return false
		case *ast.SwitchStmt:
			c.count += 1 + level
			c.each(level, child.Init, child.Tag)
			c.nested(child.Body, level+1)
			return false
		case *ast.TypeSwitchStmt:
			c.count += 1 + level
			c.nested(child.Body, level+1)
			return false
		case *ast.SelectStmt:
			c.count += 1 + level
			c.nested(child.Body, level+1)
			return false
		case *ast.FuncLit:
			c.nested(child.Body, level+1)
			return false
		case *ast.BranchStmt:
			if child.Label != nil {
				c.count++
			}
		case *ast.BinaryExpr:
			if isLogical(child) {
				c.count += sequences(child)
				c.operands(child, level)
				return false
			}
		}
		return true
	})
}

// branch counts the parts of an if, which itself is counted by the caller.
func (c *cognition) branch(n *ast.IfStmt, level int) {
	c.each(level, n.Init, n.Cond)
	c.nested(n.Body, level+1)
	switch other := n.Else.(type) {
	case *ast.IfStmt:
		c.count++
		c.branch(other, level)
	case *ast.BlockStmt:
		c.count++
		c.nested(other, level+1)
	}
}

// each counts the nodes that are not nil.
func (c *cognition) each(level int, nodes ...ast.Node) {
	for _, n := range nodes {
		if n != nil {
			c.nested(n, level)
		}
	}
}

// operands counts what is in the operands of a chain of logical operators.
func (c *cognition) operands(n ast.Expr, level int) {
	if logical, ok := ast.Unparen(n).(*ast.BinaryExpr); ok && isLogical(logical) {
		c.operands(logical.X, level)
		c.operands(logical.Y, level)
		return
	}
	c.nested(n, level)
}

func isLogical(n *ast.BinaryExpr) bool { return n.Op == token.LAND || n.Op == token.LOR }

// sequences counts the runs of equal operators in a chain: "a && b && c || d" has two.
func sequences(n *ast.BinaryExpr) int {
	operators := operatorsOf(n)
	count := 1
	for i := 1; i < len(operators); i++ {
		if operators[i] != operators[i-1] {
			count++
		}
	}
	return count
}

func operatorsOf(e ast.Expr) []token.Token {
	n, ok := ast.Unparen(e).(*ast.BinaryExpr)
	if !ok || !isLogical(n) {
		return nil
	}
	return append(append(operatorsOf(n.X), n.Op), operatorsOf(n.Y)...)
}

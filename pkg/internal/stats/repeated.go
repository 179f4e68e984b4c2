package main

import (
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// shortest is the length, in tokens, of a run that counts as repeated.
const shortest = 60

// A Repetition is a run of tokens that occurs in two places.
type Repetition struct {
	First, Second string // "file.go:12"
	Lines         int
}

// A lexeme is a token without its text: all names are equal, and all literals of a kind.
type lexeme struct {
	kind token.Token
	file string
	line int
}

// repeated finds the runs of at least shortest tokens that occur twice in the
// files of the packages, the longest first. Imports are left out.
func repeated(packages []Package) []Repetition {
	var all []lexeme
	for _, p := range packages {
		for _, file := range p.Files {
			all = append(all, lexemes(p.Fset.File(file.Pos()).Name(), p.Fset.Position(file.Name.End()).Offset)...)
		}
	}
	return runs(all)
}

func runs(all []lexeme) []Repetition {
	seen := make(map[string]int)
	var found []Repetition
	for i := 0; i+shortest <= len(all); {
		window := key(all[i : i+shortest])
		first, ok := seen[window]
		if !ok || first+shortest > i {
			if !ok {
				seen[window] = i
			}
			i++
			continue
		}
		n := shortest
		for i+n < len(all) && first+n < i && all[first+n].kind == all[i+n].kind && all[i+n].file == all[i].file {
			n++
		}
		found = append(found, Repetition{place(all[first]), place(all[i]), all[i+n-1].line - all[i].line + 1})
		i += n
	}
	slices.SortStableFunc(found, func(a, b Repetition) int { return b.Lines - a.Lines })
	return found
}

// key joins the kinds of the tokens, and the file, so that no run crosses files.
func key(window []lexeme) string {
	var b strings.Builder
	for _, l := range window {
		if l.file != window[0].file {
			fmt.Fprintf(&b, "%s:%d", l.file, l.line)
		}
		b.WriteByte(byte(l.kind))
	}
	return b.String()
}

func place(l lexeme) string { return fmt.Sprintf("%s:%d", l.file, l.line) }

// lexemes reads the tokens of a file from offset on, without the imports.
func lexemes(name string, offset int) []lexeme {
	src, err := os.ReadFile(name)
	if err != nil {
		return nil
	}
	fset := token.NewFileSet()
	file := fset.AddFile(name, -1, len(src))
	var s scanner.Scanner
	s.Init(file, src, nil, 0)
	var all []lexeme
	imports := false
	for {
		pos, kind, _ := s.Scan()
		if kind == token.EOF {
			return all
		}
		switch kind {
		case token.IMPORT:
			imports = true
		case token.FUNC, token.TYPE, token.VAR, token.CONST:
			imports = false
		}
		if !imports && file.Offset(pos) >= offset && kind != token.SEMICOLON {
			all = append(all, lexeme{kind, shortName(name), fset.Position(pos).Line})
		}
	}
}

// shortName returns the file with its folder.
func shortName(name string) string {
	return filepath.ToSlash(filepath.Join(filepath.Base(filepath.Dir(name)), filepath.Base(name)))
}

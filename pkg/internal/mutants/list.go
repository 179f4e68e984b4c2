package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// A Mutation replaces one piece of a source file by another.
type Mutation struct {
	ID     string   // "yamledit/verify-accepts-all"
	About  string   // what the program does wrong then
	File   string   // from the top of the checkout
	Rating string   // what a survivor would mean: high, medium or low
	Test   []string // arguments of go test
	Old    string   // found exactly once in File
	New    string
}

// Apply returns src with the mutation made.
func (m Mutation) Apply(src string) string { return strings.Replace(src, m.Old, m.New, 1) }

var ratings = []string{"high", "medium", "low"}

// Parse reads a list of mutations. Each is written as
//
//	=== package/id: what the program does wrong then
//	file: pkg/package/file.go
//	rating: high
//	test: ./pkg/package -run TestName
//	--- old
//	the text, found exactly once
//	--- new
//	the text instead, or nothing
//
// Lines in front of the first mutation are comments.
func Parse(name, text string) ([]Mutation, error) {
	var all []Mutation
	for i, block := range strings.Split("\n"+text, "\n=== ") {
		if i == 0 {
			continue
		}
		m, err := parseOne(block)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, m.ID, err)
		}
		if slices.ContainsFunc(all, func(other Mutation) bool { return other.ID == m.ID }) {
			return nil, fmt.Errorf("%s: %s: the ID is used twice", name, m.ID)
		}
		all = append(all, m)
	}
	return all, nil
}

func parseOne(block string) (Mutation, error) {
	head, rest, _ := strings.Cut(block, "\n--- old\n")
	oldText, newText, ok := strings.Cut(rest+"\n", "\n--- new\n")
	title, fields, _ := strings.Cut(head, "\n")
	id, about, _ := strings.Cut(title, ": ")
	m := Mutation{ID: id, About: about, Old: oldText, New: strings.TrimRight(newText, "\n")}
	if !ok || oldText == "" {
		return m, errors.New("needs --- old and --- new")
	}
	for line := range strings.SplitSeq(fields, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "file":
			m.File = value
		case "rating":
			m.Rating = value
		case "test":
			m.Test = strings.Fields(value)
		default:
			return m, fmt.Errorf("unknown line %q", line)
		}
	}
	if m.File == "" || m.About == "" || len(m.Test) == 0 || !slices.Contains(ratings, m.Rating) {
		return m, fmt.Errorf("needs a description, file, test and rating (%s)", strings.Join(ratings, ", "))
	}
	return m, nil
}

// checkAll returns an error that names each mutation that does not apply in dir.
func checkAll(dir string, mutations []Mutation) error {
	var problems []error
	for _, m := range mutations {
		src, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(m.File)))
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", m.ID, err))
		} else if n := strings.Count(string(src), m.Old); n != 1 {
			problems = append(problems, fmt.Errorf("%s: %s: the old text was found %d times, must be 1", m.ID, m.File, n))
		}
	}
	return errors.Join(problems...)
}

// copyCheckout copies the files that git tracks, as they are on disk.
func copyCheckout(from, to string) error {
	list := exec.Command("git", "ls-files", "-z")
	list.Dir = from
	out, err := list.Output()
	if err != nil {
		return fmt.Errorf("git ls-files: %w", err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if err := copyFile(filepath.Join(from, name), filepath.Join(to, name)); err != nil {
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil // deleted but not committed, or a link
	}
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}

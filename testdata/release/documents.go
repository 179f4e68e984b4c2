package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tagbump/tagbump/pkg/cli"
)

// A file is part of an archive, a package or an image. Its name has slashes; one
// that ends with a slash is a folder.
type file struct {
	name  string
	mode  int64
	data  []byte
	owner int // 0 is root
}

// documents returns what archives hold beside the program.
func (r release) documents() ([]file, error) {
	root := cli.Commands()
	root.InitDefaultCompletionCmd()
	root.InitDefaultHelpCmd()
	files := r.manualPages(root)
	completions, err := completionFiles(root)
	if err != nil {
		return nil, err
	}
	files = append(files, completions...)
	for _, name := range []string{"LICENSE", "README.md"} {
		text, err := os.ReadFile(filepath.Join(r.root, name))
		if err != nil {
			return nil, err
		}
		files = append(files, file{name: name, mode: 0o644, data: text})
	}
	notices, err := printed("version", "--licenses")
	if err != nil {
		return nil, err
	}
	files = append(files, file{name: "THIRD-PARTY-NOTICES.txt", mode: 0o644, data: notices})
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// printed returns what a command line of tagbump prints.
func printed(args ...string) ([]byte, error) {
	var out, errs bytes.Buffer
	code := cli.Run(context.Background(), cli.Env{
		Args: args, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
		Getenv: func(string) string { return "" }, Now: time.Now,
	})
	if code != 0 {
		return nil, fmt.Errorf("tagbump %s: exit %d: %s", strings.Join(args, " "), code, errs.String())
	}
	return out.Bytes(), nil
}

// manualPages returns a page of section 1 for each command, and one of section 7 for
// each topic of tagbump help.
func (r release) manualPages(root *cobra.Command) []file {
	var pages []file
	for _, page := range cli.Pages(root) {
		pages = append(pages, file{
			name: fmt.Sprintf("man/man%d/%s.%[1]d", page.Section, page.Name), mode: 0o644,
			data: []byte(page.Roff(r.time.Format("Jan 2006"), r.version)),
		})
	}
	return pages
}

func completionFiles(root *cobra.Command) ([]file, error) {
	var bash, zsh, fish, powershell bytes.Buffer
	for _, err := range []error{
		root.GenBashCompletionV2(&bash, true), root.GenZshCompletion(&zsh),
		root.GenFishCompletion(&fish, true), root.GenPowerShellCompletionWithDesc(&powershell),
	} {
		if err != nil {
			return nil, err
		}
	}
	return []file{
		{name: "completions/tagbump.bash", mode: 0o644, data: bash.Bytes()},
		{name: "completions/_tagbump", mode: 0o644, data: zsh.Bytes()},
		{name: "completions/tagbump.fish", mode: 0o644, data: fish.Bytes()},
		{name: "completions/tagbump.ps1", mode: 0o644, data: powershell.Bytes()},
	}, nil
}

// installedFiles places the files of an archive where a Linux system has them.
func installedFiles(files []file) []file {
	places := map[string]string{
		"tagbump":                  "usr/bin/tagbump",
		"completions/tagbump.bash": "usr/share/bash-completion/completions/tagbump",
		"completions/_tagbump":     "usr/share/zsh/vendor-completions/_tagbump",
		"completions/tagbump.fish": "usr/share/fish/vendor_completions.d/tagbump.fish",
		"LICENSE":                  "usr/share/doc/tagbump/copyright",
		"THIRD-PARTY-NOTICES.txt":  "usr/share/doc/tagbump/THIRD-PARTY-NOTICES.txt",
	}
	var installed []file
	for _, f := range files {
		switch {
		case places[f.name] != "":
			f.name = places[f.name]
		case strings.HasPrefix(f.name, "man/"):
			f.name, f.data = path.Join("usr/share", f.name)+".gz", gzipped(f.data)
		default:
			continue
		}
		installed = append(installed, f)
	}
	slices.SortFunc(installed, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return installed
}

// gzipped compresses without a name or a time.
func gzipped(data []byte) []byte {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	_, _ = w.Write(data) // a bytes.Buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

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
	"github.com/spf13/cobra/doc"

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
	files, err := r.manualPages(root)
	if err != nil {
		return nil, err
	}
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
func (r release) manualPages(root *cobra.Command) ([]file, error) {
	var pages []file
	var add func(cmd *cobra.Command) error
	add = func(cmd *cobra.Command) error {
		if cmd.Hidden || cmd.Name() == "help" {
			return nil
		}
		cmd.DisableAutoGenTag = true
		var page bytes.Buffer
		header := &doc.GenManHeader{Section: "1", Date: &r.time, Source: "tagbump " + r.version, Manual: "tagbump"}
		if err := doc.GenMan(cmd, header, &page); err != nil {
			return err
		}
		pages = append(pages, file{name: "man/man1/" + strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1", mode: 0o644, data: page.Bytes()})
		for _, below := range cmd.Commands() {
			if err := add(below); err != nil {
				return err
			}
		}
		return nil
	}
	if err := add(root); err != nil {
		return nil, err
	}
	for _, topic := range cli.Topics(root) {
		name := "tagbump-" + topic.Name
		page := fmt.Sprintf(".TH %q 7 %q %q tagbump\n.SH NAME\n%s \\- %s\n%s",
			strings.ToUpper(name), r.time.Format("Jan 2006"), "tagbump "+r.version, name, topic.Title, topic.Roff)
		pages = append(pages, file{name: "man/man7/" + name + ".7", mode: 0o644, data: []byte(page)})
	}
	return pages, nil
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

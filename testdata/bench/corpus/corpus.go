// Package corpus chooses, in a folder of real YAML files, the tag edits that
// tagbump is held against other editors and against Helm with.
//
// It asks tagbump where a tag is, so it has no sample of what tagbump does not
// find, cannot read or refuses: a [Collection] counts those files and says why.
// One trap: a sample's path is tagbump's word; whoever judges by it must check
// that the old value stands there, with [NodeOf].
package corpus

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A File is one text of a corpus.
type File struct {
	Name string // with slashes, in the corpus
	Text []byte
}

// A Collection is what a corpus has to offer.
type Collection struct {
	Files    int
	Bytes    int
	Samples  []Sample
	Without  int      // files that name no image with a tag
	Refused  []string // files with a tag that tagbump does not change as one value, and why
	Unparsed []string // files that tagbump cannot read, and why
}

// Read reads the YAML files below dir, and those inside its .txtar fixtures,
// whose last section is what a test expects. No file at all is an error.
func Read(dir string) ([]File, error) {
	var files []File
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		read, err := readFile(path, filepath.ToSlash(name))
		files = append(files, read...)
		return err
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s: no YAML files", dir)
	}
	return files, err
}

func readFile(path, name string) ([]File, error) {
	switch filepath.Ext(path) {
	case ".yaml", ".yml", ".tpl":
		text, err := os.ReadFile(path)
		return []File{{name, text}}, err
	case ".txtar":
		archive, err := txtar.ParseFile(path)
		if err != nil {
			return nil, err
		}
		var files []File
		for _, section := range archive.Files[:max(len(archive.Files)-1, 0)] {
			files = append(files, File{name + "/" + section.Name, mutate(section.Data, archive.Comment)})
		}
		return files, nil
	}
	return nil, nil
}

// mutate does what a fixture's words ask for, as pkg/plan's tests do.
func mutate(text, words []byte) []byte {
	for _, line := range strings.Split(string(words), "\n") {
		switch word, _, _ := strings.Cut(line, " "); word {
		case "crlf":
			text = WithCRLF(text)
		case "bom":
			text = append([]byte("\ufeff"), text...)
		case "unended":
			text = bytes.TrimSuffix(text, []byte("\n"))
		}
	}
	return text
}

// WithCRLF ends every line with CR LF.
func WithCRLF(text []byte) []byte {
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
}

// Collect chooses one edit in each file: the first tag that tagbump finds and
// can change, and, if there is one, not in a block scalar.
func Collect(files []File, tag string) Collection {
	c := Collection{Files: len(files)}
	for _, f := range files {
		c.Bytes += len(f.Text)
		text, err := yamledit.Parse(f.Text)
		if err != nil {
			c.Unparsed = append(c.Unparsed, f.Name+": "+err.Error())
			continue
		}
		targets := findTargets(f, text)
		if len(targets) == 0 {
			c.Without++
			continue
		}
		s, err := firstEditable(f, text, targets, tag)
		if err != nil {
			c.Refused = append(c.Refused, err.Error())
			continue
		}
		c.Samples = append(c.Samples, s)
	}
	return c
}

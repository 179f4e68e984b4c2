// Package smallfile reads and writes files that a person names and that must be small:
// keys, certificates, tokens, digests, the project file.
//
// A read is bounded, so that a device or a wrong path cannot take the machine's
// memory. Errors name the file and never show what is in it, because it may be
// a secret. One trap: [Read] takes a pipe too, for the shell's <(command), and
// so waits for its writer. [ReadRegular] is for names that nobody typed.
package smallfile

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// The sizes, in bytes, up to which files are read.
const (
	Key  = 64 << 10 // keys, tokens, passwords
	Text = 1 << 20  // certificates, builders' metadata, project files
)

// Read returns the content of a file of at most limit bytes. The error is an
// [fs.PathError].
func Read(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(content)) > limit {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("the file is larger than %d KiB", limit>>10)}
	}
	return content, nil
}

// ReadRegular is [Read] for regular files only: it refuses a directory, a
// device and a pipe before it opens them.
func ReadRegular(name string, limit int64) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("is %s, not a file", kindOf(info.Mode()))}
	}
	return Read(name, limit)
}

func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeNamedPipe != 0:
		return "a named pipe"
	}
	return "a device or socket"
}

package smallfile

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Replace makes content the whole content of a file, at once: a reader sees the old
// or the new one, and after an error the old one is kept. A new file can be read by
// everybody, a symbolic link stays one, and a pipe or a device is written to.
func Replace(name string, content []byte) (err error) {
	if target, err := filepath.EvalSymlinks(name); err == nil {
		name = target
	}
	info, err := os.Stat(name)
	if err == nil && !info.Mode().IsRegular() {
		return Append(name, content)
	}
	file, err := os.CreateTemp(filepath.Dir(name), ".tagbump-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name()) // the first error counts
		}
	}()
	if _, err := file.Write(content); err != nil {
		_ = file.Close()
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	mode := fs.FileMode(0o644)
	if info != nil {
		mode = info.Mode().Perm()
	}
	if err := os.Chmod(file.Name(), mode); err != nil {
		return err
	}
	return os.Rename(file.Name(), name)
}

// Append adds content to the end of a file, which it creates when it is missing, for
// its owner only.
func Append(name string, content []byte) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

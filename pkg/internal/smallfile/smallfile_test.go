//go:build unix

package smallfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/smallfile"
)

const secret = "-----BEGIN PRIVATE KEY-----"

func TestReadIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(name, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := smallfile.Read(name, int64(len(secret))); string(got) != secret || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	_, err := smallfile.Read(name, int64(len(secret))-1)
	if pathError := new(fs.PathError); !errors.As(err, &pathError) || pathError.Path != name {
		t.Errorf("a file that is too large: %v", err)
	}
	if strings.Contains(err.Error(), secret) {
		t.Errorf("the error shows the content: %v", err)
	}
	if _, err := smallfile.Read("/dev/zero", smallfile.Key); err == nil || err.Error() != "read /dev/zero: the file is larger than 64 KiB" {
		t.Errorf("an endless file: %v", err)
	}
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	dir := t.TempDir()
	pipe, file, link := filepath.Join(dir, "pipe"), filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte("a: b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		file:        "",
		link:        "",
		dir:         "read " + dir + ": is a directory, not a file",
		pipe:        "read " + pipe + ": is a named pipe, not a file",
		"/dev/null": "read /dev/null: is a device or socket, not a file",
	} {
		_, err := smallfile.ReadRegular(name, smallfile.Text)
		if got := text(err); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if _, err := smallfile.ReadRegular(filepath.Join(dir, "gone"), smallfile.Text); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := smallfile.Read(filepath.Join(dir, "gone"), smallfile.Text); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	if _, err := smallfile.Read(dir, smallfile.Text); err == nil {
		t.Error("a directory was read")
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

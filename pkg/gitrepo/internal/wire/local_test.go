package wire

import (
	"bytes"
	"compress/zlib"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A loose object can say that it has 5 bytes, and unpack to as many as fit on a disk.
func TestALooseObjectTakesNoMoreMemoryThanItSays(t *testing.T) {
	dir := testenv.MustRepo(t, filepath.Join(t.TempDir(), "x.git"), map[string]string{"a.yaml": "a: b\n"}).Dir
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	_, _ = w.Write([]byte("blob 5\x00"))
	const size = 256 << 20
	if _, err := io.Copy(w, io.LimitReader(zeros{}, size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	id := plumbing.NewHash(strings.Repeat("ab", 20))
	name := filepath.Join(dir, "objects", "ab", strings.Repeat("ab", 19))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	remote, err := NewLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	err = remote.Fetch(t.Context(), Request{Wants: []plumbing.Hash{id}}, object.NewStore())
	runtime.ReadMemStats(&after)
	if err == nil || !strings.HasSuffix(err.Error(), "is not as long as it says") {
		t.Errorf("got %v", err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > size/8 {
		t.Errorf("%d MiB were allocated", took>>20)
	}
}

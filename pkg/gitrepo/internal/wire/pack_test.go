package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
)

func blob(text string) object.Object {
	return object.Object{Kind: plumbing.BlobObject, Data: []byte(text)}
}

func peek(s *object.Store, text string) string {
	o, _ := s.Peek(blob(text).Hash())
	return string(o.Data)
}

// bomb is a delta of a few bytes that makes size bytes of base.
func bomb(base string, size int) []byte {
	delta := binary.AppendUvarint(nil, uint64(len(base)))
	delta = binary.AppendUvarint(delta, uint64(size))
	for range size / len(base) {
		delta = append(delta, 0x80|0x10|0x20|0x40, byte(len(base)), byte(len(base)>>8), byte(len(base)>>16)) // copy all of base
	}
	return delta
}

func TestAPackIsReadAsItWasWritten(t *testing.T) {
	base := strings.Repeat("0123456789", 1000)
	after := strings.Replace(base, "5", "five", 1)
	thin := Changed(plumbing.BlobObject, blob(base).Hash(), []byte(base), []byte(after))
	if thin.delta == nil {
		t.Fatal("no delta was made")
	}
	pack := writePack([]NewObject{thin, {Object: blob("small")}, {Object: blob(base)}})
	s := object.NewStore()
	if err := readPack(bytes.NewReader(pack), s, Request{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{base, after, "small"} {
		if got := peek(s, want); got != want {
			t.Errorf("got %d bytes, want %d", len(got), len(want))
		}
	}
	if err := readPack(bytes.NewReader(pack[:len(pack)-30]), object.NewStore(), Request{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a pack that ends early: got %v", err)
	}
	pack[20] ^= 1
	if err := readPack(bytes.NewReader(pack), object.NewStore(), Request{}); err == nil {
		t.Error("a damaged pack was taken")
	}
}

func TestADeltaThatMakesTooMuchIsNotMade(t *testing.T) {
	base := strings.Repeat("x", 60_000)
	huge := NewObject{Object: blob("unseen"), on: blob(base).Hash(), delta: bomb(base, 1<<30/60_000*60_000)}
	pack := writePack([]NewObject{{Object: blob(base)}, huge})
	want := plumbing.NewHash(strings.Repeat("12", 20))
	s := object.NewStore()
	err := readPack(bytes.NewReader(pack), s, Request{Wants: []plumbing.Hash{want}})
	size, _ := s.Large(want)
	if !errors.Is(err, ErrEnough) || size < 1<<29 {
		t.Errorf("got %v, and a size of %d", err, size)
	}
	s = object.NewStore()
	if err := readPack(bytes.NewReader(pack), s, Request{}); err != nil || s.Count() != 1 {
		t.Errorf("got %v, and %d bytes", err, s.Used())
	}
}

func TestABudgetEndsAPackAndKeepsWhatCame(t *testing.T) {
	pack := writePack([]NewObject{{Object: blob("first")}, {Object: blob(noise(100_000))}})
	s := object.NewStore()
	if err := readPack(budgeted(bytes.NewReader(pack), 1000), s, Request{}); !errors.Is(err, ErrBudget) {
		t.Errorf("got %v, want ErrBudget", err)
	}
	if !s.Has(blob("first").Hash()) {
		t.Error("what came before the end of the budget is lost")
	}
}

// noise does not compress.
func noise(n int) string {
	out := make([]byte, n)
	state := uint32(1)
	for i := range out {
		state = state*1664525 + 1013904223
		out[i] = byte(state >> 24)
	}
	return string(out)
}

func FuzzAnswersOfAServer(f *testing.F) {
	f.Add([]byte("000eversion 2\n0015agent=git/2.39.5\n001cfetch=shallow filter ref\n0000"))
	f.Add([]byte("001e# service=git-upload-pack\n0000009b" + strings.Repeat("1", 40) + " HEAD\x00multi_ack symref=HEAD:refs/heads/main\n0000"))
	f.Add([]byte("003d" + strings.Repeat("a", 40) + " refs/heads/main\n0000"))
	f.Add([]byte("000dpackfile\n"))
	f.Add([]byte("0010ERR no way\n0008NAK\n"))
	f.Add([]byte("0030\x01000eunpack ok\n0019ok refs/heads/main\n00000000"))
	f.Add(writePack([]NewObject{{Object: blob("small")}, {Object: blob("base"), on: blob("x").Hash(), delta: []byte{1, 2, 3}}}))
	f.Add([]byte("100644 a\x00" + strings.Repeat("i", 20)))
	f.Fuzz(func(_ *testing.T, answer []byte) {
		_, _ = readGreeting(newPacketReader(bytes.NewReader(answer)), listing{branch: "main"})
		_, _ = readRefs(newPacketReader(bytes.NewReader(answer)), listing{branch: "main"})
		_ = readFetch(newPacketReader(bytes.NewReader(answer)), assumed, Request{}, object.NewStore())
		_ = readFetch(newPacketReader(bytes.NewReader(answer)), Capabilities{v0: true}, Request{}, object.NewStore())
		_ = readPack(bytes.NewReader(answer), object.NewStore(), Request{})
		_, _ = readReport(bytes.NewReader(answer), "main")
		_, _ = object.ParseTree(answer)
	})
}

package gitrepo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
)

func blob(text string) gitObject { return gitObject{plumbing.BlobObject, []byte(text)} }

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
	thin := changed(plumbing.BlobObject, blob(base).hash(), []byte(base), []byte(after))
	if thin.delta == nil {
		t.Fatal("no delta was made")
	}
	pack := writePack([]newObject{thin, {gitObject: blob("small")}, {gitObject: blob(base)}})
	s := newStore()
	if err := readPack(bytes.NewReader(pack), s, fetchRequest{}); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{base, after, "small"} {
		if got := string(s.objects[blob(want).hash()].data); got != want {
			t.Errorf("got %d bytes, want %d", len(got), len(want))
		}
	}
	if err := readPack(bytes.NewReader(pack[:len(pack)-30]), newStore(), fetchRequest{}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a pack that ends early: got %v", err)
	}
	pack[20] ^= 1
	if err := readPack(bytes.NewReader(pack), newStore(), fetchRequest{}); err == nil {
		t.Error("a damaged pack was taken")
	}
}

func TestADeltaThatMakesTooMuchIsNotMade(t *testing.T) {
	base := strings.Repeat("x", 60_000)
	huge := newObject{gitObject: blob("unseen"), on: blob(base).hash(), delta: bomb(base, 1<<30/60_000*60_000)}
	pack := writePack([]newObject{{gitObject: blob(base)}, huge})
	want := plumbing.NewHash(strings.Repeat("12", 20))
	s := newStore()
	err := readPack(bytes.NewReader(pack), s, fetchRequest{wants: []plumbing.Hash{want}})
	if !errors.Is(err, errEnough) || s.tooBig[want] < 1<<29 {
		t.Errorf("got %v, and a size of %d", err, s.tooBig[want])
	}
	s = newStore()
	if err := readPack(bytes.NewReader(pack), s, fetchRequest{}); err != nil || s.size != int64(len(base)) {
		t.Errorf("got %v, and %d bytes", err, s.size)
	}
}

func TestABudgetEndsAPackAndKeepsWhatCame(t *testing.T) {
	pack := writePack([]newObject{{gitObject: blob("first")}, {gitObject: blob(noise(100_000))}})
	s := newStore()
	if err := readPack(budgeted(bytes.NewReader(pack), 1000), s, fetchRequest{}); !errors.Is(err, errBudget) {
		t.Errorf("got %v, want errBudget", err)
	}
	if !s.has(blob("first").hash()) {
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
	f.Add(writePack([]newObject{{gitObject: blob("small")}, {gitObject: blob("base"), on: blob("x").hash(), delta: []byte{1, 2, 3}}}))
	f.Add([]byte("100644 a\x00" + strings.Repeat("i", 20)))
	f.Fuzz(func(_ *testing.T, answer []byte) {
		_, _ = readGreeting(newPacketReader(bytes.NewReader(answer)), "main")
		_, _ = readRefs(newPacketReader(bytes.NewReader(answer)), "main")
		_ = readFetch(newPacketReader(bytes.NewReader(answer)), assumed, fetchRequest{}, newStore())
		_ = readFetch(newPacketReader(bytes.NewReader(answer)), capabilities{v0: true}, fetchRequest{}, newStore())
		_ = readPack(bytes.NewReader(answer), newStore(), fetchRequest{})
		_ = readReport(bytes.NewReader(answer), "main")
		_, _ = parseTree(answer)
	})
}

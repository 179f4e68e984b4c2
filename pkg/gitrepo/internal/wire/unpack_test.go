package wire

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
)

// An entry is an object of a pack as a hostile server would write it: its size need not
// be true, and its base need not exist.
type entry struct {
	kind plumbing.ObjectType
	size int // as the header says
	base plumbing.Hash
	data []byte
}

func packOf(entries ...entry) []byte {
	var pack bytes.Buffer
	z := zlib.NewWriter(&pack) // one for all, because each takes 800 kB
	pack.WriteString("PACK")
	_ = binary.Write(&pack, binary.BigEndian, [2]uint32{2, uint32(len(entries))})
	for _, e := range entries {
		writeEntryHead(&pack, e.kind, e.size)
		if e.kind == plumbing.REFDeltaObject {
			pack.Write(e.base[:])
		}
		z.Reset(&pack)
		_, _ = z.Write(e.data)
		_ = z.Close()
	}
	sum := sha1.Sum(pack.Bytes())
	pack.Write(sum[:])
	return pack.Bytes()
}

func unpack(pack []byte) (*object.Store, error) {
	s := object.NewStore()
	return s, readPack(bytes.NewReader(pack), s, Request{Wants: []plumbing.Hash{{}, {}}})
}

// onZeros is a delta that needs a base that never comes.
func onZeros(n, size int) entry {
	base := plumbing.NewHash(fmt.Sprintf("%040x", n+1))
	return entry{plumbing.REFDeltaObject, size, base, make([]byte, size)}
}

func TestHostilePacksAreRefusedBeforeTheyTakeMemory(t *testing.T) {
	var waiting []entry
	for n := range object.MaxStore/files.MaxSize + 1 {
		waiting = append(waiting, onZeros(n, files.MaxSize))
	}
	zeros := blob("zeros")
	tests := map[string]struct {
		pack []byte
		want string
	}{
		"deltas that wait for ever": {
			packOf(waiting...), "the server sends over 256 MiB to have a few files read; it must allow filters (uploadpack.allowFilter)",
		},
		"an object longer than it says": {
			packOf(entry{plumbing.BlobObject, 3, plumbing.ZeroHash, []byte("four")}), "packfile: inflated object exceeds declared size",
		},
		"an object shorter than it says": {
			packOf(entry{plumbing.BlobObject, 5, plumbing.ZeroHash, []byte("four")}), errWrongSize.Error(),
		},
		"a large blob that is longer than it says": {
			packOf(entry{plumbing.BlobObject, files.MaxSize + 1, plumbing.ZeroHash, make([]byte, files.MaxSize+2)}), "packfile: inflated object exceeds declared size",
		},
		"a blob of 400 GiB": {
			packOf(entry{plumbing.BlobObject, 400 << 30, plumbing.ZeroHash, nil}), "the server sends a pack that unpacks to over 2 GiB",
		},
		"a tree of 9 MiB": {
			packOf(entry{plumbing.TreeObject, 9 << 20, plumbing.ZeroHash, nil}), "the server sends a tree of 9437184 bytes",
		},
		"more objects than memory": {
			append([]byte("PACK\x00\x00\x00\x02"), 0xff, 0xff, 0xff, 0xff), "the server sends 4294967295 objects to have a few files read; it must allow filters (uploadpack.allowFilter)",
		},
		"a delta that is not one": {
			packOf(entry{plumbing.BlobObject, 5, plumbing.ZeroHash, zeros.Data}, entry{plumbing.REFDeltaObject, 1, zeros.Hash(), []byte{0xff}}),
			"the pack's delta on " + zeros.Hash().String() + ": invalid delta",
		},
		"a base that never comes": {
			packOf(onZeros(7, 10)), "the pack lacks object 0000000000000000000000000000000000000008, which others are built on",
		},
	}
	for name, test := range tests {
		s, err := unpack(test.pack)
		if err == nil || err.Error() != test.want {
			t.Errorf("%s:\n got %v\nwant %s", name, err, test.want)
		}
		if s.Used() > 1<<20 {
			t.Errorf("%s: the store is left with %d bytes", name, s.Used())
		}
	}
}

// A chain of deltas in the wrong order is longer than the stack would be.
func TestALongChainOfDeltasInReverseIsResolved(t *testing.T) {
	const length = 200_000
	texts := make([]object.Object, length)
	for i := range texts {
		texts[i] = blob(fmt.Sprintf("number %d", i))
	}
	var entries []entry
	for i := length - 1; i > 0; i-- {
		from, to := texts[i-1].Data, texts[i].Data
		delta := append([]byte{byte(len(from)), byte(len(to)), byte(len(to))}, to...) // insert all of it
		entries = append(entries, entry{plumbing.REFDeltaObject, len(delta), texts[i-1].Hash(), delta})
	}
	entries = append(entries, entry{plumbing.BlobObject, len(texts[0].Data), plumbing.ZeroHash, texts[0].Data})
	s, err := unpack(packOf(entries...))
	if err != nil || s.Count() != length {
		t.Errorf("%d objects, %v", s.Count(), err)
	}
	if want := int64(length) * 160; s.Used() > want {
		t.Errorf("%d bytes are in use, want at most %d: memory of the waiting deltas was not given back", s.Used(), want)
	}
}

// Many deltas on one base make more than they take.
func TestDeltasThatMakeTooMuchTogetherAreRefused(t *testing.T) {
	base := strings.Repeat("x", 60_000)
	entries := []entry{{plumbing.BlobObject, len(base), plumbing.ZeroHash, []byte(base)}}
	for n := range 300 {
		delta := append(bomb(base, files.MaxSize/60_000*60_000-60_000), 1, byte(n))
		size := files.MaxSize/60_000*60_000 - 60_000 + 1
		delta = resized(delta, len(base), size)
		entries = append(entries, entry{plumbing.REFDeltaObject, len(delta), blob(base).Hash(), delta})
	}
	_, err := unpack(packOf(entries...))
	if err == nil || !errors.Is(err, ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

// resized replaces the sizes at the beginning of a delta.
func resized(delta []byte, from, to int) []byte {
	_, n := binary.Uvarint(delta)
	_, m := binary.Uvarint(delta[n:])
	head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(from)), uint64(to))
	return append(head, delta[n+m:]...)
}

func FuzzPack(f *testing.F) {
	base := blob("a base of some length")
	delta := packfile.DiffDelta(base.Data, []byte("a base of another length"))
	f.Add(packOf(entry{plumbing.BlobObject, len(base.Data), plumbing.ZeroHash, base.Data}, entry{plumbing.REFDeltaObject, len(delta), base.Hash(), delta}))
	f.Add(packOf(entry{plumbing.REFDeltaObject, len(delta), base.Hash(), delta}, entry{plumbing.BlobObject, len(base.Data), plumbing.ZeroHash, base.Data}))
	f.Add(packOf(entry{plumbing.CommitObject, 3, plumbing.ZeroHash, []byte("abc")}, entry{plumbing.TreeObject, 0, plumbing.ZeroHash, nil}))
	f.Fuzz(func(t *testing.T, pack []byte) {
		s, err := unpack(pack)
		if err != nil && s.Used() > object.MaxStore {
			t.Errorf("%d bytes are in use", s.Used())
		}
	})
}

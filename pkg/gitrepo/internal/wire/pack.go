package wire

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
)

// A NewObject is an object to be sent: whole, or as a delta on one that the server has.
type NewObject struct {
	object.Object
	on    plumbing.Hash
	delta []byte // nil: whole
}

// minThin is the size in bytes from which a delta is worth its risk. Servers that are
// not git's own may not take one (go-git#1119), and the pack is then sent again whole. A
// folder of 2,000 files costs 48,473 bytes whole and 412 bytes as a delta.
const minThin = 4 << 10

// Changed returns the object that data makes of the object old, which the server has.
func Changed(kind plumbing.ObjectType, on plumbing.Hash, old, data []byte) NewObject {
	o := NewObject{Object: object.Object{Kind: kind, Data: data}, on: on}
	if len(data) < minThin || len(old) < minThin {
		return o
	}
	if delta := packfile.DiffDelta(old, data); len(delta) < len(data)/2 {
		o.delta = delta
	}
	return o
}

// writePack returns a pack of objects. It is thin (git's word for a pack with deltas on
// objects that are not in it) when one of them is a delta.
func writePack(objects []NewObject) []byte {
	var pack bytes.Buffer
	pack.WriteString("PACK")
	_ = binary.Write(&pack, binary.BigEndian, [2]uint32{2, uint32(len(objects))})
	for _, o := range objects {
		if o.delta == nil {
			writeEntryHead(&pack, o.Kind, len(o.Data))
			deflate(&pack, o.Data)
			continue
		}
		writeEntryHead(&pack, plumbing.REFDeltaObject, len(o.delta))
		pack.Write(o.on[:])
		deflate(&pack, o.delta)
	}
	sum := sha1.Sum(pack.Bytes())
	pack.Write(sum[:])
	return pack.Bytes()
}

func deflate(w *bytes.Buffer, data []byte) {
	z := zlib.NewWriter(w)
	_, _ = z.Write(data) // a Buffer takes everything
	_ = z.Close()
}

func writeEntryHead(w *bytes.Buffer, kind plumbing.ObjectType, size int) {
	head := byte(kind)<<4 | byte(size&0x0f)
	for size >>= 4; size > 0; size >>= 7 {
		w.WriteByte(head | 0x80)
		head = byte(size & 0x7f)
	}
	w.WriteByte(head)
}

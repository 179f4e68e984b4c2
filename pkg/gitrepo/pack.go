package gitrepo

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
)

var (
	errBudget = errors.New("more bytes than were asked for")
	errEnough = errors.New("all that is needed is here")
)

// A packReader unpacks a stream into a store while it arrives, so that it can be
// hung up on.
type packReader struct {
	scanner *packfile.Scanner
	store   *store
	at      map[int64]plumbing.Hash   // where in the pack each object began
	waiting map[plumbing.Hash][]delta // on a base that is still to come
	req     fetchRequest
	done    bool // what arrived last was the last that is needed
}

type delta struct {
	base   plumbing.Hash
	data   []byte
	offset int64
}

func readPack(r io.Reader, s *store, req fetchRequest) error {
	p := &packReader{scanner: packfile.NewScanner(onlyReader{r}), store: s, at: map[int64]plumbing.Hash{}, waiting: map[plumbing.Hash][]delta{}, req: req}
	_, count, err := p.scanner.Header()
	if err != nil {
		return packError(err)
	}
	for range count {
		if err := p.object(); err != nil {
			return packError(err)
		}
		if p.done {
			return errEnough
		}
	}
	for base := range p.waiting {
		return fmt.Errorf("the pack lacks object %s, which others are built on", base)
	}
	_, err = p.scanner.Checksum()
	return packError(err)
}

// onlyReader hides a Seek that the scanner would use.
type onlyReader struct{ io.Reader }

func packError(err error) error {
	var f *failure
	var said serverError
	switch {
	case err == nil, errors.Is(err, errBudget), errors.As(err, &f), errors.As(err, &said):
		return err
	case errors.Is(err, packfile.ErrEmptyPackfile):
		return io.ErrUnexpectedEOF
	}
	return noEOF(err)
}

func (p *packReader) object() error {
	header, err := p.scanner.NextObjectHeader()
	if err != nil {
		return err
	}
	offset, kind, size := header.Offset, header.Type, header.Length
	if size < 0 || size > MaxFileSize {
		return p.skip(kind, size)
	}
	var data bytes.Buffer
	data.Grow(int(size))
	if _, _, err := p.scanner.NextObject(&data); err != nil {
		return err
	}
	switch kind {
	case plumbing.OFSDeltaObject:
		base, known := p.at[header.OffsetReference]
		if !known {
			return nil // built on a blob that was too big to keep
		}
		return p.apply(delta{base, data.Bytes(), offset})
	case plumbing.REFDeltaObject:
		return p.apply(delta{header.Reference, data.Bytes(), offset})
	}
	return p.keep(gitObject{kind, data.Bytes()}, offset)
}

// skip reads over an object that is too big. Only a blob may be.
func (p *packReader) skip(kind plumbing.ObjectType, size int64) error {
	if kind.IsDelta() {
		_, _, err := p.scanner.NextObject(io.Discard)
		return err
	}
	if err := p.tooBig(kind, size); err != nil || p.done {
		return err
	}
	hasher := plumbing.NewHasher(plumbing.BlobObject, size)
	if _, _, err := p.scanner.NextObject(hasher); err != nil {
		return err
	}
	p.store.tooBig[hasher.Sum()] = size
	return nil
}

// tooBig notes a blob of which only the size is known. When it is the only object
// that was asked for, there is no need to see more of it.
func (p *packReader) tooBig(kind plumbing.ObjectType, size int64) error {
	if kind != plumbing.BlobObject {
		return fail(ErrUnsupported, "a %s of %d bytes is too big", kind, size)
	}
	if len(p.req.wants) == 1 && p.req.depth == 0 && p.req.filter == "" {
		p.store.tooBig[p.req.wants[0]] = size
		p.done = true
	}
	return nil
}

// targetSize is the size of what a delta makes, so that a small one cannot make
// something huge. It is 0 for what is no delta.
func targetSize(delta []byte) uint64 {
	_, n := binary.Uvarint(delta)
	if n <= 0 {
		return 0
	}
	size, _ := binary.Uvarint(delta[n:])
	return size
}

// keep stores an object, and what was waiting for it.
func (p *packReader) keep(o gitObject, offset int64) error {
	if err := p.store.makeRoom(o); err != nil {
		return err
	}
	id := p.store.add(o)
	p.at[offset] = id
	if p.req.enough != nil && p.req.enough(id) {
		p.done = true
	}
	waiting := p.waiting[id]
	delete(p.waiting, id)
	for _, d := range waiting {
		if err := p.apply(d); err != nil {
			return err
		}
	}
	return nil
}

func (p *packReader) apply(d delta) error {
	base, ok := p.store.objects[d.base]
	if !ok {
		if _, big := p.store.tooBig[d.base]; !big {
			p.waiting[d.base] = append(p.waiting[d.base], d)
		}
		return nil
	}
	if size := targetSize(d.data); size > MaxFileSize {
		return p.tooBig(base.kind, int64(size))
	}
	data, err := packfile.PatchDelta(base.data, d.data)
	if err != nil {
		return fmt.Errorf("the pack's delta on %s: %w", d.base, err)
	}
	return p.keep(gitObject{base.kind, data}, d.offset)
}

// A newObject is an object to be sent: whole, or as a delta on one that the
// server has.
type newObject struct {
	gitObject
	on    plumbing.Hash
	delta []byte // nil: whole
}

// minThin is the size in bytes from which a delta is worth its risk: servers
// that are not git's own may not take one.
const minThin = 4 << 10

// changed is the object that data makes of old.
func changed(kind plumbing.ObjectType, on plumbing.Hash, old, data []byte) newObject {
	o := newObject{gitObject: gitObject{kind, data}, on: on}
	if len(data) < minThin || len(old) < minThin {
		return o
	}
	if delta := packfile.DiffDelta(old, data); len(delta) < len(data)/2 {
		o.delta = delta
	}
	return o
}

// writePack makes a pack, which is thin when one of objects is a delta.
func writePack(objects []newObject) []byte {
	var pack bytes.Buffer
	pack.WriteString("PACK")
	_ = binary.Write(&pack, binary.BigEndian, [2]uint32{2, uint32(len(objects))})
	for _, o := range objects {
		if o.delta == nil {
			writeEntryHead(&pack, o.kind, len(o.data))
			deflate(&pack, o.data)
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

// budgeted ends r with errBudget after so many bytes; 0 is no budget.
func budgeted(r io.Reader, bytes int64) io.Reader {
	if bytes == 0 {
		return r
	}
	return &budgetReader{r, bytes}
}

// A budgetReader ends a stream that turns out larger than what it is worth.
type budgetReader struct {
	r    io.Reader
	left int64
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBudget
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

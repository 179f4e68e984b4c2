package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo/internal/object"
)

const (
	// maxInflated bounds the bytes that the objects of one pack unpack to. A pack of a few
	// MiB can be made of zeros that unpack to hundreds of GiB.
	maxInflated = 2 << 30
	// maxObjects bounds the objects of one pack: each takes memory, however small it is.
	maxObjects = 4 << 20
	// maxDeltas bounds the deltas of one pack that wait for their base.
	maxDeltas = 1 << 20
	// deltaCost is the memory in bytes that a waiting delta takes beside its data.
	deltaCost = 128
)

// An unpacker reads a pack into a store while it arrives, so that the connection can be
// closed as soon as enough objects are here.
//
// Git sends commits first, then trees, then blobs, and a delta may come before its base.
// Such a delta waits, in memory that is counted as the store's; when its base arrives, it
// and all that waits for it are resolved in a loop, because a chain can be longer than
// the stack.
type unpacker struct {
	scanner  *packfile.Scanner
	store    *object.Store
	request  Request
	ids      map[int64]plumbing.Hash   // by where in the pack the object begins
	waiting  map[plumbing.Hash][]delta // by the base that is to come
	deltas   int                       // how many wait
	inflated int64                     // bytes that the objects so far unpacked to
	done     bool                      // the request has enough
}

type delta struct {
	base   plumbing.Hash
	data   []byte
	offset int64 // where in the pack it begins
}

// readPack unpacks r into s. It returns ErrEnough when it ended because the request has
// enough, and leaves in s what came before an error.
func readPack(r io.Reader, s *object.Store, req Request) error {
	u := &unpacker{
		scanner: packfile.NewScanner(onlyReader{r}),
		store:   s,
		request: req,
		ids:     map[int64]plumbing.Hash{},
		waiting: map[plumbing.Hash][]delta{},
	}
	defer u.release()
	_, count, err := u.scanner.Header()
	if err != nil {
		return packError(err)
	}
	if count > maxObjects {
		return Fail(ErrUnsupported, "the server sends %d objects to have a few files read; it must allow filters (uploadpack.allowFilter)", count)
	}
	for range count {
		if err := u.next(); err != nil {
			return packError(err)
		}
		if u.done {
			return ErrEnough
		}
	}
	for base := range u.waiting {
		return fmt.Errorf("the pack lacks object %s, which others are built on", base)
	}
	_, err = u.scanner.Checksum()
	return packError(err)
}

// onlyReader hides a Seek that the scanner would use.
type onlyReader struct{ io.Reader }

// release gives back the memory of the deltas that still wait.
func (u *unpacker) release() {
	for _, deltas := range u.waiting {
		for _, d := range deltas {
			u.store.Release(len(d.data) + deltaCost)
		}
	}
}

func packError(err error) error {
	var f *Failure
	var said serverError
	switch {
	case errors.Is(err, object.ErrFull):
		return Fail(ErrUnsupported, "the server sends over %d MiB to have a few files read; it must allow filters (uploadpack.allowFilter)", object.MaxStore>>20)
	case err == nil, errors.Is(err, ErrBudget), errors.As(err, &f), errors.As(err, &said):
		return err
	case errors.Is(err, packfile.ErrEmptyPackfile):
		return io.ErrUnexpectedEOF
	}
	return noEOF(err)
}

// next reads one object of the pack.
func (u *unpacker) next() error {
	header, err := u.scanner.NextObjectHeader()
	if err != nil {
		return err
	}
	if header.Length < 0 {
		return errors.New("the pack has an object of a negative size")
	}
	if err := u.count(header.Length); err != nil {
		return err
	}
	if header.Length > files.MaxSize {
		return u.skip(header)
	}
	var data bytes.Buffer
	data.Grow(int(header.Length))
	if _, _, err := u.scanner.NextObject(&data); err != nil { // also for more bytes than it says
		return err
	}
	if int64(data.Len()) != header.Length {
		return errWrongSize
	}
	switch header.Type {
	case plumbing.OFSDeltaObject:
		base, known := u.ids[header.OffsetReference]
		if !known {
			return nil // its base is a blob that was too large to keep
		}
		return u.resolve(delta{base, data.Bytes(), header.Offset})
	case plumbing.REFDeltaObject:
		return u.resolve(delta{header.Reference, data.Bytes(), header.Offset})
	}
	return u.keep(object.Object{Kind: header.Type, Data: data.Bytes()}, header.Offset)
}

// count adds to what the pack has unpacked to, before it is unpacked.
func (u *unpacker) count(size int64) error {
	if size > maxInflated-u.inflated {
		return Fail(ErrUnsupported, "the server sends a pack that unpacks to over %d GiB", maxInflated>>30)
	}
	u.inflated += size
	return nil
}

var errWrongSize = errors.New("the pack has an object that is shorter than it says")

// skip reads over an object that is too large to keep. Only a blob may be.
func (u *unpacker) skip(header *packfile.ObjectHeader) error {
	if header.Type.IsDelta() {
		_, _, err := u.scanner.NextObject(io.Discard)
		return err
	}
	if err := u.large(header.Type, header.Length); err != nil || u.done {
		return err
	}
	hasher := plumbing.NewHasher(plumbing.BlobObject, header.Length)
	if _, _, err := u.scanner.NextObject(hasher); err != nil {
		return err
	}
	u.store.AddLarge(hasher.Sum(), header.Length)
	return nil
}

// large notes a blob of which only the size is known. When it is the only object that was
// asked for, it need not be read to its end.
func (u *unpacker) large(kind plumbing.ObjectType, size int64) error {
	if kind != plumbing.BlobObject {
		return Fail(ErrUnsupported, "the server sends a %s of %d bytes", kind, size)
	}
	if r := u.request; len(r.Wants) == 1 && r.Depth == 0 && r.Filter == "" {
		u.store.AddLarge(r.Wants[0], size)
		u.done = true
	}
	return nil
}

// resolve makes the object of d, if its base is here, and of every delta that waited for
// it. Without the base d waits.
func (u *unpacker) resolve(d delta) error {
	ready := []delta{d}
	for len(ready) > 0 {
		d, ready = ready[len(ready)-1], ready[:len(ready)-1]
		base, here := u.store.Peek(d.base)
		if !here {
			if err := u.wait(d); err != nil {
				return err
			}
			continue
		}
		o, err := u.apply(base, d)
		if err != nil {
			return err
		}
		if o.Data == nil {
			continue // too large to keep
		}
		more, err := u.add(o, d.offset)
		if err != nil {
			return err
		}
		ready = append(ready, more...)
	}
	return nil
}

// wait keeps d until its base arrives. A delta on a blob that was too large to keep is
// of no use.
func (u *unpacker) wait(d delta) error {
	if _, large := u.store.Large(d.base); large {
		return nil
	}
	if u.deltas++; u.deltas > maxDeltas {
		return object.ErrFull
	}
	if err := u.store.Reserve(len(d.data) + deltaCost); err != nil {
		return err
	}
	u.waiting[d.base] = append(u.waiting[d.base], d)
	return nil
}

// apply makes the object that d is, unless it is too large.
func (u *unpacker) apply(base object.Object, d delta) (object.Object, error) {
	size := targetSize(d.data)
	if size > files.MaxSize {
		return object.Object{}, u.large(base.Kind, size)
	}
	if err := u.count(size); err != nil {
		return object.Object{}, err
	}
	data, err := packfile.PatchDelta(base.Data, d.data)
	if err != nil {
		return object.Object{}, fmt.Errorf("the pack's delta on %s: %w", d.base, err)
	}
	if data == nil {
		data = []byte{}
	}
	return object.Object{Kind: base.Kind, Data: data}, nil
}

// targetSize returns the size of the object that a delta makes, so that a delta of a few
// bytes cannot make a huge one. It returns 0 for a delta that cannot be read.
func targetSize(delta []byte) int64 {
	_, n := binary.Uvarint(delta)
	if n <= 0 {
		return 0
	}
	size, _ := binary.Uvarint(delta[n:])
	return int64(min(size, math.MaxInt64))
}

// keep stores an object that is not a delta, and resolves what waits for it.
func (u *unpacker) keep(o object.Object, offset int64) error {
	waiting, err := u.add(o, offset)
	if err != nil {
		return err
	}
	for _, d := range waiting {
		if err := u.resolve(d); err != nil {
			return err
		}
	}
	return nil
}

// add stores an object and returns the deltas that waited for it.
func (u *unpacker) add(o object.Object, offset int64) ([]delta, error) {
	id, err := u.store.Add(o)
	if err != nil {
		return nil, err
	}
	u.ids[offset] = id
	if u.request.Enough != nil && u.request.Enough(id) {
		u.done = true
	}
	waiting := u.waiting[id]
	delete(u.waiting, id)
	for _, d := range waiting {
		u.store.Release(len(d.data) + deltaCost)
	}
	u.deltas -= len(waiting)
	return waiting, nil
}

// budgeted ends r with ErrBudget after so many bytes; 0 is no budget.
func budgeted(r io.Reader, bytes int64) io.Reader {
	if bytes == 0 {
		return r
	}
	return &budgetReader{r, bytes}
}

// A budgetReader ends a stream that turns out larger than it is worth.
type budgetReader struct {
	r    io.Reader
	left int64
}

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, ErrBudget
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.r.Read(p)
	b.left -= int64(n)
	return n, err
}

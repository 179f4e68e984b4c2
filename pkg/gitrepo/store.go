package gitrepo

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// A gitObject is a git object as it is hashed, without its header.
type gitObject struct {
	kind plumbing.ObjectType
	data []byte
}

func (o gitObject) hash() plumbing.Hash { return plumbing.ComputeHash(o.kind, o.data) }

// A store keeps what was read. Blobs over MaxFileSize are known by their size
// only.
type store struct {
	objects map[plumbing.Hash]gitObject
	tooBig  map[plumbing.Hash]int64
	size    int64 // of all objects, in bytes
}

func newStore() *store {
	return &store{objects: map[plumbing.Hash]gitObject{}, tooBig: map[plumbing.Hash]int64{}}
}

func (s *store) add(o gitObject) plumbing.Hash {
	id := o.hash()
	if _, known := s.objects[id]; !known {
		s.objects[id] = o
		s.size += int64(len(o.data))
	}
	return id
}

// maxStore bounds the memory, in bytes. Only a server that can leave nothing out
// comes near it.
const maxStore = 256 << 20

func (s *store) makeRoom(o gitObject) error {
	if s.size+int64(len(o.data)) > maxStore {
		return fail(ErrUnsupported, "the server sends over %d MiB to have a few files read; it must allow filters (uploadpack.allowFilter)", maxStore>>20)
	}
	return nil
}

func (s *store) has(id plumbing.Hash) bool {
	_, ok := s.objects[id]
	return ok
}

// count is how many objects are known.
func (s *store) count() int { return len(s.objects) + len(s.tooBig) }

// knows reports whether id is here, or known to be too big.
func (s *store) knows(id plumbing.Hash) bool {
	_, big := s.tooBig[id]
	return big || s.has(id)
}

// get returns an object of the kind that is expected, or an error that says what
// is wrong with the repository.
func (s *store) get(kind plumbing.ObjectType, id plumbing.Hash) (gitObject, error) {
	o, ok := s.objects[id]
	if !ok {
		return gitObject{}, fmt.Errorf("the server did not send %s %s", kind, id)
	}
	if o.kind != kind {
		return gitObject{}, fmt.Errorf("object %s is a %s where a %s should be", id, o.kind, kind)
	}
	return o, nil
}

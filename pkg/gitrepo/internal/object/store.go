package object

import (
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// MaxStore is the most memory in bytes that the objects of a [Store] take together. Only
// a server that can leave nothing out comes near it.
const MaxStore = 256 << 20

// objectCost is the memory in bytes that an object takes beside its data.
const objectCost = 128

// ErrFull is the error for an object that would take a Store over [MaxStore].
var ErrFull = errors.New("the objects take too much memory")

// A Store keeps objects by their id. Of blobs that are too large to keep, it knows the
// size only.
type Store struct {
	objects map[plumbing.Hash]Object
	large   map[plumbing.Hash]int64
	used    int64 // bytes: of the objects, and what Reserve set aside
}

// NewStore returns an empty Store.
func NewStore() *Store {
	return &Store{objects: map[plumbing.Hash]Object{}, large: map[plumbing.Hash]int64{}}
}

// Reserve sets n bytes aside, for data that is on its way into the store. ErrFull means
// that there is no room for them. Release gives them back.
func (s *Store) Reserve(n int) error {
	if s.used+int64(n) > MaxStore {
		return ErrFull
	}
	s.used += int64(n)
	return nil
}

// Release gives back what Reserve set aside.
func (s *Store) Release(n int) { s.used -= int64(n) }

// Add keeps o and returns its id. ErrFull means that there is no room for it.
func (s *Store) Add(o Object) (plumbing.Hash, error) {
	id := o.Hash()
	if s.Has(id) {
		return id, nil
	}
	if err := s.Reserve(len(o.Data) + objectCost); err != nil {
		return id, err
	}
	s.objects[id] = o
	return id, nil
}

// Merge keeps what other has. ErrFull means that there is no room for all of it.
func (s *Store) Merge(other *Store) error {
	for id, o := range other.objects {
		if s.Has(id) {
			continue
		}
		if err := s.Reserve(len(o.Data) + objectCost); err != nil {
			return err
		}
		s.objects[id] = o
	}
	return nil
}

// AddLarge notes a blob that is too large to keep, with its size in bytes.
func (s *Store) AddLarge(id plumbing.Hash, size int64) { s.large[id] = size }

// Large returns the size of a blob that was too large to keep, and whether id is one.
func (s *Store) Large(id plumbing.Hash) (size int64, is bool) {
	size, is = s.large[id]
	return size, is
}

// Has reports whether the object itself is in the store.
func (s *Store) Has(id plumbing.Hash) bool {
	_, ok := s.objects[id]
	return ok
}

// Knows reports whether the object is in the store, or is known to be too large.
func (s *Store) Knows(id plumbing.Hash) bool {
	_, large := s.large[id]
	return large || s.Has(id)
}

// Count returns the number of objects that the store knows.
func (s *Store) Count() int { return len(s.objects) + len(s.large) }

// Used returns how many bytes of memory the objects take.
func (s *Store) Used() int64 { return s.used }

// Peek returns an object of any kind, and whether the store has it.
func (s *Store) Peek(id plumbing.Hash) (Object, bool) {
	o, ok := s.objects[id]
	return o, ok
}

// Get returns an object of the kind that is expected. Its error says what is wrong with
// the repository, or with the server.
func (s *Store) Get(kind plumbing.ObjectType, id plumbing.Hash) (Object, error) {
	o, ok := s.objects[id]
	if !ok {
		return Object{}, fmt.Errorf("the server did not send %s %s", kind, id)
	}
	if o.Kind != kind {
		return Object{}, fmt.Errorf("object %s is a %s where a %s should be", id, o.Kind, kind)
	}
	return o, nil
}

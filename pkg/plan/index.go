package plan

import (
	"bytes"
	"io/fs"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// ScanOptions say what a tree holds.
type ScanOptions struct {
	// Whole says that the tree holds all files of its repository, so that charts
	// and releases may be searched in it. It is false where only the files that
	// somebody named were read.
	Whole bool
}

// FindOptions restrict and help a search. The zero value searches every file.
type FindOptions struct {
	// In reports whether a file may be changed; nil means that each may. Files
	// that may not be changed are context: they can name the image of a tag in
	// another file, but are never targets.
	In func(file string) bool
	// As is how the files write the repository, where that differs from the name
	// that the registry knows: a mirror, or a short name behind a global registry.
	As string
	// Paths are the places of the image's tag, where the files do not tell. With
	// Paths nothing else is searched.
	Paths []keypath.Path
}

func (o FindOptions) mayChange(file string) bool { return o.In == nil || o.In(file) }

// Places are where an image is written.
type Places struct {
	Targets []Target // the places to change, sorted by file and line
	Left    []Left   // places that also name the image and are not changed
}

// A Left is a place that names the image and is left as it is.
type Left struct {
	File   string
	Line   int          // 1-based; 0 when the whole file is meant
	Doc    int          // 0-based
	Path   keypath.Path // zero when the whole file is meant
	Reason string       // a phrase: "is CI configuration", "cannot be read as YAML: …"
}

// A Found is an image that the files name.
type Found struct {
	Target     Target
	Repository string // as it is written, its registry joined
}

// An Index is a tree of files, each read once and parsed at most once. It may be
// used by several goroutines.
type Index struct {
	opts   ScanOptions
	files  []*file // sorted by directory and name
	byName map[string]*file
	parse  func([]byte) (*yamledit.Text, error)
}

// Scan reads the YAML files of fsys (.yaml, .yml, .tpl, Kustomization), several at
// a time, which fsys must allow. It parses none of them: that is done when a file
// may name an image that is asked for.
func Scan(fsys fs.FS, opts ScanOptions) (*Index, error) {
	names, err := namesOfYAML(fsys)
	if err != nil {
		return nil, err
	}
	x := &Index{opts: opts, files: make([]*file, len(names)), byName: make(map[string]*file, len(names)), parse: yamledit.Parse}
	errs := make([]error, len(names))
	inParallel(len(names), func(i int) {
		var src []byte
		src, errs[i] = fs.ReadFile(fsys, names[i])
		x.files[i] = &file{index: x, name: names[i], src: src}
	})
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	for _, f := range x.files {
		x.byName[f.name] = f
	}
	return x, nil
}

// inParallel calls do for 0 up to n-1, as many at a time as there are processors.
func inParallel(n int, do func(i int)) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), n) {
		workers.Go(func() {
			for i := next.Add(1) - 1; int(i) < n; i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	workers.Wait()
}

// A file is one file of an index.
type file struct {
	index *Index
	name  string
	src   []byte

	once   sync.Once
	text   *yamledit.Text // nil when err says why not
	byLine bool           // text has only the lines that can be read
	err    error          // why the file is no YAML, also when text has its lines
}

// read parses the file, once. A template that cannot be parsed is read by line.
func (f *file) read() *yamledit.Text {
	f.once.Do(func() {
		if f.text, f.err = f.index.parse(f.src); f.err == nil {
			return
		}
		if text, err := yamledit.ParseLines(f.src); err == nil {
			f.text, f.byLine = text, true
		}
	})
	return f.text
}

// whole is the file's text if all of it can be read, else nil and why not.
func (f *file) whole() (*yamledit.Text, error) {
	if f.read(); f.err != nil {
		return nil, inFile(f.name, f.err)
	}
	return f.text, nil
}

// Find lists where the repository's tag or digest is written. When there is no
// target, the error wraps [ErrNoTarget] and lists images that the files do name.
// A file that may name the image and cannot be read as YAML is an error too; but
// a template of which single lines can be read is searched by line.
func (x *Index) Find(repository string, opts FindOptions) (Places, error) {
	if err := image.CheckRepository(repository); err != nil {
		return Places{}, err
	}
	if len(opts.Paths) > 0 {
		return x.atAll(opts.Paths, repository, opts)
	}
	if opts.As != "" {
		repository = opts.As
	}
	s := finder{repository: repository, name: []byte(image.BaseName(repository))}
	results, errs := make([]found, len(x.files)), make([]error, len(x.files))
	inParallel(len(x.files), func(i int) {
		if opts.mayChange(x.files[i].name) {
			results[i], errs[i] = s.file(x.files[i])
		}
	})
	var places Places
	var computed error
	for i, here := range results {
		if errs[i] != nil {
			return Places{}, errs[i]
		}
		places.Targets = append(places.Targets, here.targets...)
		if computed == nil {
			computed = here.computed
		}
	}
	switch {
	case len(places.Targets) > 0:
		return places, nil
	case computed != nil:
		return Places{}, computed
	}
	return Places{}, s.notFound(x, opts)
}

func (x *Index) atAll(paths []keypath.Path, repository string, opts FindOptions) (Places, error) {
	var all Places
	var missing error
	for _, path := range paths {
		targets, err := x.At(path, repository, opts)
		if err != nil {
			missing = err
			continue
		}
		all.Targets = append(all.Targets, targets...)
	}
	if len(all.Targets) == 0 {
		return Places{}, missing
	}
	return all, nil
}

// Images lists the images that the files name with a tag or digest, sorted by
// file and line. Files that cannot be read as YAML are passed over.
func (x *Index) Images(opts FindOptions) []Found {
	var all []Found
	for _, f := range x.files {
		if !opts.mayChange(f.name) || !bytes.Contains(f.src, []byte("mage")) && !bytes.Contains(f.src, []byte("repository")) {
			continue
		}
		if f.read() == nil {
			continue
		}
		first := len(all)
		eachSpot(f.text, "mage", func(s spot) {
			if s.isTagged() && image.CheckRepository(s.ref.Repository) == nil {
				all = append(all, Found{Target: s.target(f.name), Repository: s.ref.Repository})
			}
		})
		slices.SortStableFunc(all[first:], func(a, b Found) int { return a.Target.Line - b.Target.Line })
	}
	return all
}

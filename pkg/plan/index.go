package plan

import (
	"bytes"
	"io/fs"
	"runtime"
	"slices"
	"sort"
	"sync"
	"sync/atomic"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/textedit"
	"github.com/tagbump/tagbump/pkg/yamledit"
)

// ScanOptions say what a tree holds.
type ScanOptions struct {
	// Whole says that the tree holds all files of its repository, so that charts
	// and releases may be searched in it. It is false where only the files that
	// somebody named were read.
	Whole bool
	// Files are read whatever their endings are; other files only when they have a
	// manifest's.
	Files files.Selection
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
	parse  func(name string, src []byte) (*yamledit.Text, error)

	findingCharts sync.Once
	chartsByDir   map[string]*chart

	folding sync.Mutex
	folders map[string]*chart // values.yaml files without a chart, by their folders

	reaching sync.Mutex
	reached  map[*file][]*file // by the kustomization
}

// Scan reads the YAML files of fsys (.yaml, .yml, .tpl, Kustomization), several at
// a time, which fsys must allow. It parses none of them: that is done when a file
// may name an image that is asked for.
func Scan(fsys fs.FS, opts ScanOptions) (*Index, error) {
	names, err := namesIn(fsys, opts.Files)
	if err != nil {
		return nil, err
	}
	x := &Index{opts: opts, files: make([]*file, len(names)), byName: make(map[string]*file, len(names)), parse: textedit.Open}
	errs := make([]error, len(names))
	inParallel(len(names), func(i int) {
		var src []byte
		src, errs[i] = fs.ReadFile(fsys, names[i])
		x.files[i] = &file{index: x, name: names[i], order: i, src: src}
	})
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); i >= 0 {
		return nil, errs[i]
	}
	for _, f := range x.files {
		x.byName[f.name] = f
	}
	return x, nil
}

// namesIn lists the manifests and the selected files of fsys, sorted by folder and
// name.
func namesIn(fsys fs.FS, selected files.Selection) ([]string, error) {
	var names []string
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && entry.Name() == ".git":
			return fs.SkipDir
		case !entry.IsDir() && (files.IsManifest(name) || selected.Includes(name)):
			names = append(names, name)
		}
		return nil
	})
	return names, err
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

// Images lists the images that the files name with a tag or digest, sorted by
// file and line. Files that cannot be read are passed over.
func (x *Index) Images(opts FindOptions) []Found {
	var all []Found
	for _, f := range x.files {
		if !opts.Files.Wants(f.name) || !bytes.Contains(f.src, []byte("mage")) && !bytes.Contains(f.src, []byte("repo")) {
			continue
		}
		first := len(all)
		for _, s := range f.spots("mage") {
			if s.isTagged() && s.computedTag() == "" && s.reasonToLeave() == "" && image.CheckRepository(s.ref.Repository) == nil {
				all = append(all, Found{Target: s.target(f.name), Repository: s.ref.Repository})
			}
		}
		own := all[first:]
		sort.SliceStable(own, func(i, j int) bool { return own[i].Target.Line < own[j].Target.Line })
	}
	return all
}

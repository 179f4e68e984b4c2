package github

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // git's own hash
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
)

const (
	maxAliases = 100 // fields of one GraphQL document
	maxFiles   = 500 // that a read loads
)

// An entry is one path of a commit.
type entry struct {
	oid, mode string // as git writes them: "100644"
	data      []byte // nil when it was not loaded yet
}

const (
	modeFile       = "100644"
	modeExecutable = "100755"
)

// isFile leaves out links, submodules and folders.
func (e *entry) isFile() bool { return e != nil && (e.mode == modeFile || e.mode == modeExecutable) }

// A snapshot caches what one commit was found to hold.
type snapshot struct {
	branch, tip string
	entries     map[string]*entry // nil for a path that does not exist
	folders     map[string]bool   // whose entries are all known
	whole       bool              // all entries are known
}

// Read returns the selected files at the tip of branch, "" for the default one, or
// at commit if that is not "". It asks for all of them in one request; one more lists
// the tree when the selection has patterns that span folders.
//
// GraphQL gives a file as text, so each is held against its hash. A file that does
// not agree (a byte order mark, binary data, a long file) is read as it is by REST.
func (c *Client) Read(ctx context.Context, branch, commit string, selection files.Selection) (*files.Tree, error) {
	names, folders, deep := plain(selection)
	s, err := c.look(ctx, branch, commit, names, folders)
	if err != nil {
		return nil, err
	}
	if deep {
		if err := c.listTree(ctx, s); err != nil {
			return nil, err
		}
	}
	var wanted []string
	for _, name := range slices.Sorted(maps.Keys(s.entries)) {
		if s.entries[name].isFile() && selection.Includes(name) {
			wanted = append(wanted, name)
		}
	}
	if len(wanted) > maxFiles {
		return nil, fault.Errorf(fault.Failed, "%s: over %d files match: %w", c.at(s.branch), maxFiles, forge.ErrInvalid).
			WithHint("name the files to read: --file; or commit by git: --commit-via git")
	}
	if err := c.load(ctx, s, wanted); err != nil {
		return nil, err
	}
	return c.tree(s, wanted, selection)
}

// plain returns what a selection names: paths, and folders in which any file may be
// meant. Deep says that a pattern spans folders.
func plain(selection files.Selection) (names, folders []string, deep bool) {
	globs := selection.Globs()
	deep = selection.Depth(".") == files.AnyDepth
	for _, glob := range globs {
		text := glob.String()
		switch dir := path.Dir(text); {
		case glob.IsLiteral():
			names = append(names, text)
		case strings.ContainsAny(dir, `*?[{\`), glob.Depth(dir) != 1:
			deep = true
		default:
			folders = append(folders, dir)
		}
	}
	slices.Sort(names)
	slices.Sort(folders)
	return slices.Compact(names), slices.Compact(folders), deep
}

// at names a branch in errors.
func (c *Client) at(branch string) string {
	where := c.owner + "/" + c.repo
	if branch != "" {
		where += ": " + branch
	}
	return where
}

// look resolves a revision and finds out about paths and folders, with the text of the
// files among them.
func (c *Client) look(ctx context.Context, branch, commit string, names, folders []string) (*snapshot, error) {
	s := &snapshot{branch: branch, tip: commit, entries: map[string]*entry{}, folders: map[string]bool{}}
	if known := c.snapshot; known != nil && known.tip == commit {
		s = known
	}
	names = slices.DeleteFunc(names, func(name string) bool { _, known := s.entries[name]; return known || s.whole })
	folders = slices.DeleteFunc(folders, func(dir string) bool { return s.folders[dir] || s.whole })
	for first := true; first && s.tip == "" || len(names)+len(folders) > 0; first = false {
		n := min(len(names), maxAliases)
		d := min(len(folders), maxAliases-n)
		if err := c.lookOnce(ctx, s, names[:n], folders[:d]); err != nil {
			return nil, err
		}
		names, folders = names[n:], folders[d:]
	}
	c.snapshot = s
	return s, nil
}

// The parts of a commit that are asked for.
type (
	blobAnswer struct {
		Oid         string
		Text        *string
		IsTruncated bool
	}
	fileAnswer struct {
		Mode   int
		Oid    string
		Object blobAnswer
	}
	folderAnswer struct {
		Object struct{ Entries []listedAnswer }
	}
	listedAnswer struct {
		Name, Oid string
		Mode      int
	}
)

func (c *Client) lookOnce(ctx context.Context, s *snapshot, names, folders []string) error {
	var fields, declared strings.Builder
	variables := map[string]any{"owner": c.owner, "name": c.repo}
	declare := func(variable, kind string, value any) {
		fmt.Fprintf(&declared, ", $%s: %s!", variable, kind)
		variables[variable] = value
	}
	for i, name := range names {
		declare(fmt.Sprintf("f%d", i), "String", name)
		fmt.Fprintf(&fields, "\n      f%d: file(path: $f%d) { mode oid object { ... on Blob { oid text isTruncated } } }", i, i)
	}
	for i, dir := range folders {
		if dir == "." {
			fmt.Fprintf(&fields, "\n      d%d: tree { entries { name mode oid } }", i)
			continue
		}
		declare(fmt.Sprintf("d%d", i), "String", dir)
		fmt.Fprintf(&fields, "\n      d%d: file(path: $d%d) { object { ... on Tree { entries { name mode oid } } } }", i, i)
	}
	selected := "oid ... on Commit {" + fields.String() + "\n    }"
	if fields.Len() == 0 {
		selected = "oid"
	}
	target := "ref: defaultBranchRef { name target { " + selected + " } }"
	switch {
	case s.tip != "":
		declare("oid", "GitObjectID", s.tip)
		target = "object(oid: $oid) { " + selected + " }"
	case s.branch != "":
		declare("ref", "String", "refs/heads/"+s.branch)
		target = "ref(qualifiedName: $ref) { name target { " + selected + " } }"
	}
	var answer struct {
		Repository struct {
			ID  string
			Ref *struct {
				Name   string
				Target map[string]jsonValue
			}
			Object map[string]jsonValue
		}
	}
	document := "query Look($owner: String!, $name: String!" + declared.String() + ") {\n  repository(owner: $owner, name: $name) {\n    id\n    " + target + "\n  }\n}"
	if err := c.repeat(ctx, c.at(s.branch), c.graphQL(document, variables, &answer)); err != nil {
		return err
	}
	c.repositoryID = answer.Repository.ID
	found := answer.Repository.Object
	if ref := answer.Repository.Ref; ref != nil {
		found, s.branch = ref.Target, ref.Name
	}
	if found == nil {
		return &failure{where: c.at(s.branch), why: missing(s), kind: forge.ErrNotFound}
	}
	if err := found["oid"].into(&s.tip); err != nil {
		return c.explain(c.at(s.branch), err)
	}
	for i, name := range names {
		if err := s.takeFile(name, found[fmt.Sprintf("f%d", i)]); err != nil {
			return c.explain(c.at(s.branch), err)
		}
	}
	for i, dir := range folders {
		if err := s.takeFolder(dir, found[fmt.Sprintf("d%d", i)]); err != nil {
			return c.explain(c.at(s.branch), err)
		}
	}
	return nil
}

func missing(s *snapshot) string {
	switch {
	case s.tip != "":
		return "no such commit: " + s.tip
	case s.branch != "":
		return "no such branch"
	}
	return "the repository has no default branch"
}

func (s *snapshot) takeFile(name string, value jsonValue) error {
	var found *fileAnswer
	if err := value.into(&found); err != nil {
		return err
	}
	s.entries[name] = nil
	if found != nil {
		s.entries[name] = &entry{oid: found.Oid, mode: fmt.Sprintf("%06o", found.Mode), data: found.Object.verified(found.Oid)}
	}
	return nil
}

func (s *snapshot) takeFolder(dir string, value jsonValue) error {
	var found *folderAnswer
	var root struct{ Entries []listedAnswer }
	if err := value.into(&found); err != nil {
		return err
	}
	if err := value.into(&root); err != nil {
		return err
	}
	s.folders[dir] = true
	if found == nil {
		return nil
	}
	for _, listed := range append(root.Entries, found.Object.Entries...) {
		s.add(path.Join(dir, listed.Name), listed.Oid, fmt.Sprintf("%06o", listed.Mode))
	}
	return nil
}

// add enters a path unless it is known.
func (s *snapshot) add(name, oid, mode string) {
	if s.entries[name] == nil {
		s.entries[name] = &entry{oid: oid, mode: mode}
	}
}

// verified returns the file's content if the text is all of it, byte for byte.
func (b blobAnswer) verified(oid string) []byte {
	if b.Text == nil || b.IsTruncated || blobHash([]byte(*b.Text)) != oid {
		return nil
	}
	return append([]byte{}, *b.Text...)
}

// blobHash returns the name that git gives to a file's content.
func blobHash(data []byte) string {
	hash := sha1.New() //nolint:gosec // git's own hash
	fmt.Fprintf(hash, "blob %d\x00", len(data))
	hash.Write(data)
	return hex.EncodeToString(hash.Sum(nil))
}

// listTree learns all paths of the commit.
func (c *Client) listTree(ctx context.Context, s *snapshot) error {
	if s.whole {
		return nil
	}
	var listed *github.Tree
	err := c.repeat(ctx, c.at(s.branch), func(ctx context.Context) (err error) {
		listed, _, err = c.api.Git.GetTree(ctx, c.owner, c.repo, s.tip, true)
		return err
	})
	if err != nil {
		return err
	}
	if listed.GetTruncated() {
		return &failure{
			where: c.at(s.branch), why: "the tree has too many paths for one answer", kind: forge.ErrInvalid,
			hint: "name the files to read: --file; or commit by git: --commit-via git",
		}
	}
	for _, found := range listed.Entries {
		s.add(found.GetPath(), found.GetSHA(), found.GetMode())
	}
	s.whole = true
	return nil
}

// load reads the content of those of names that are not loaded.
func (c *Client) load(ctx context.Context, s *snapshot, names []string) error {
	var open []string
	for _, name := range names {
		if s.entries[name].data == nil {
			open = append(open, name)
		}
	}
	for chunk := range slices.Chunk(open, maxAliases) {
		if err := c.loadTexts(ctx, s, chunk); err != nil {
			return err
		}
	}
	for _, name := range names {
		if s.entries[name].data == nil {
			if err := c.loadRaw(ctx, s, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) loadTexts(ctx context.Context, s *snapshot, names []string) error {
	var asked, declared strings.Builder
	variables := map[string]any{"owner": c.owner, "name": c.repo}
	for i, name := range names {
		fmt.Fprintf(&declared, ", $b%d: GitObjectID!", i)
		fmt.Fprintf(&asked, "\n    b%d: object(oid: $b%d) { ... on Blob { oid text isTruncated } }", i, i)
		variables[fmt.Sprintf("b%d", i)] = s.entries[name].oid
	}
	var answer struct{ Repository map[string]blobAnswer }
	document := "query Texts($owner: String!, $name: String!" + declared.String() + ") {\n  repository(owner: $owner, name: $name) {" + asked.String() + "\n  }\n}"
	if err := c.repeat(ctx, c.at(s.branch), c.graphQL(document, variables, &answer)); err != nil {
		return err
	}
	for i, name := range names {
		s.entries[name].data = answer.Repository[fmt.Sprintf("b%d", i)].verified(s.entries[name].oid)
	}
	return nil
}

// loadRaw reads a file that GraphQL cannot give byte for byte.
func (c *Client) loadRaw(ctx context.Context, s *snapshot, name string) error {
	e := s.entries[name]
	where := c.at(s.branch) + ": " + name
	err := c.repeat(ctx, where, func(ctx context.Context) (err error) {
		e.data, _, err = c.api.Git.GetBlobRaw(ctx, c.owner, c.repo, e.oid)
		return err
	})
	switch {
	case err != nil:
		return err
	case len(e.data) > files.MaxSize:
		return fault.Errorf(fault.Failed, "%s: %w", where, files.ErrTooLarge).WithHint("name the files to read: --file")
	case blobHash(e.data) != e.oid:
		return &failure{where: where, why: "GitHub's answer is not the file's content: another hash", kind: forge.ErrInvalid}
	}
	return nil
}

// tree returns the files that a run may see. Links, submodules, LFS pointers and
// files of git-crypt are left out, and refused where they are required.
func (c *Client) tree(s *snapshot, names []string, selection files.Selection) (*files.Tree, error) {
	var list []files.File
	for _, name := range names {
		e := s.entries[name]
		if bytes.HasPrefix(e.data, []byte("version https://git-lfs.github.com/spec/")) || bytes.HasPrefix(e.data, []byte("\x00GITCRYPT\x00")) {
			continue
		}
		list = append(list, files.File{Path: name, Executable: e.mode == modeExecutable, Data: e.data})
	}
	tree := files.NewTree(s.branch, s.tip, list)
	for _, name := range selection.Required() {
		if _, ok := tree.File(name); ok {
			continue
		}
		why := "no such file"
		if s.entries[name] != nil {
			why = "is a link, a folder, a submodule, an LFS pointer or encrypted"
		}
		return nil, fault.Errorf(fault.NotFound, "%s: %s: %s%w", c.at(s.branch), name, why, silent{files.ErrMissing})
	}
	return tree, nil
}

// silent keeps an error in the chain without its words.
type silent struct{ error }

func (silent) Error() string   { return "" }
func (s silent) Unwrap() error { return s.error }

package github

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/google/go-github/v60/github"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/internal/snapshot"
)

const maxAliases = 100 // fields of one GraphQL document

// Read returns the selected files at the tip of branch, "" for the default one, or
// at commit if that is not "". It asks for all of them in one request; one more lists
// the tree when the selection has patterns that span folders.
//
// GraphQL gives a file as text, so each is held against its hash. A file that does
// not agree (a byte order mark, binary data, a long file) is read as it is by REST.
func (c *Client) Read(ctx context.Context, branch, commit string, selection files.Selection) (*files.Tree, error) {
	need := snapshot.NeedOf(selection)
	s, err := c.look(ctx, branch, commit, need)
	if err != nil {
		return nil, err
	}
	if need.Deep {
		if err := c.listTree(ctx, s); err != nil {
			return nil, err
		}
	}
	return s.Read(c.at(s.Branch), selection, func(names []string) error { return c.load(ctx, s, names) })
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
func (c *Client) look(ctx context.Context, branch, commit string, need snapshot.Need) (*snapshot.Snapshot, error) {
	s := snapshot.New(branch, commit)
	if known := c.snapshot; known != nil && known.Tip == commit {
		s = known
	}
	unknown := s.Unknown(need)
	names, folders := unknown.Names, unknown.Folders
	for first := true; first && s.Tip == "" || len(names)+len(folders) > 0; first = false {
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

func (c *Client) lookOnce(ctx context.Context, s *snapshot.Snapshot, names, folders []string) error {
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
	lookBack := s.Tip == "" && c.recent > 0
	if lookBack {
		declare("recent", "Int", c.recent)
		fields.WriteString("\n      history(first: $recent) { nodes { oid message committedDate author { name email } } }")
	}
	selected := "oid ... on Commit {" + fields.String() + "\n    }"
	if fields.Len() == 0 {
		selected = "oid"
	}
	target := "ref: defaultBranchRef { name target { " + selected + " } }"
	switch {
	case s.Tip != "":
		declare("oid", "GitObjectID", s.Tip)
		target = "object(oid: $oid) { " + selected + " }"
	case s.Branch != "":
		declare("ref", "String", "refs/heads/"+s.Branch)
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
	if err := c.repeat(ctx, c.at(s.Branch), c.graphQL(document, variables, &answer)); err != nil {
		return err
	}
	c.repositoryID = answer.Repository.ID
	found := answer.Repository.Object
	if ref := answer.Repository.Ref; ref != nil {
		found, s.Branch = ref.Target, ref.Name
	}
	if found == nil {
		return &failure{where: c.at(s.Branch), why: missing(s), kind: forge.ErrNotFound}
	}
	if err := found["oid"].into(&s.Tip); err != nil {
		return c.explain(c.at(s.Branch), err)
	}
	if lookBack {
		if err := c.latest.take(s.Tip, c.recent, found["history"]); err != nil {
			return c.explain(c.at(s.Branch), err)
		}
	}
	for i, name := range names {
		if err := takeFile(s, name, found[fmt.Sprintf("f%d", i)]); err != nil {
			return c.explain(c.at(s.Branch), err)
		}
	}
	for i, dir := range folders {
		if err := takeFolder(s, dir, found[fmt.Sprintf("d%d", i)]); err != nil {
			return c.explain(c.at(s.Branch), err)
		}
	}
	return nil
}

func missing(s *snapshot.Snapshot) string {
	switch {
	case s.Tip != "":
		return "no such commit: " + s.Tip
	case s.Branch != "":
		return "no such branch"
	}
	return "the repository has no default branch"
}

func takeFile(s *snapshot.Snapshot, name string, value jsonValue) error {
	var found *fileAnswer
	if err := value.into(&found); err != nil {
		return err
	}
	s.Entries[name] = nil
	if found != nil {
		s.Entries[name] = &snapshot.Entry{OID: found.Oid, Mode: fmt.Sprintf("%06o", found.Mode), Data: found.Object.verified(found.Oid)}
	}
	return nil
}

func takeFolder(s *snapshot.Snapshot, dir string, value jsonValue) error {
	var found *folderAnswer
	var root struct{ Entries []listedAnswer }
	if err := value.into(&found); err != nil {
		return err
	}
	if err := value.into(&root); err != nil {
		return err
	}
	s.Folders[dir] = true
	if found == nil {
		return nil
	}
	for _, listed := range append(root.Entries, found.Object.Entries...) {
		s.Add(path.Join(dir, listed.Name), listed.Oid, fmt.Sprintf("%06o", listed.Mode))
	}
	return nil
}

// verified returns the file's content if the text is all of it, byte for byte.
func (b blobAnswer) verified(oid string) []byte {
	if b.Text == nil || b.IsTruncated || snapshot.BlobHash([]byte(*b.Text)) != oid {
		return nil
	}
	return append([]byte{}, *b.Text...)
}

// listTree learns all paths of the commit.
func (c *Client) listTree(ctx context.Context, s *snapshot.Snapshot) error {
	if s.Whole {
		return nil
	}
	var listed *github.Tree
	err := c.repeat(ctx, c.at(s.Branch), func(ctx context.Context) (err error) {
		listed, _, err = c.api.Git.GetTree(ctx, c.owner, c.repo, s.Tip, true)
		return err
	})
	if err != nil {
		return err
	}
	if listed.GetTruncated() {
		return &failure{
			where: c.at(s.Branch), why: "the tree has too many paths for one answer", kind: forge.ErrInvalid,
			hint: snapshot.Hint,
		}
	}
	for _, found := range listed.Entries {
		s.Add(found.GetPath(), found.GetSHA(), found.GetMode())
	}
	s.Whole = true
	return nil
}

// load reads the content of files.
func (c *Client) load(ctx context.Context, s *snapshot.Snapshot, names []string) error {
	for chunk := range slices.Chunk(names, maxAliases) {
		if err := c.loadTexts(ctx, s, chunk); err != nil {
			return err
		}
	}
	for _, name := range names {
		if s.Entries[name].Data == nil {
			if err := c.loadRaw(ctx, s, name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *Client) loadTexts(ctx context.Context, s *snapshot.Snapshot, names []string) error {
	var asked, declared strings.Builder
	variables := map[string]any{"owner": c.owner, "name": c.repo}
	for i, name := range names {
		fmt.Fprintf(&declared, ", $b%d: GitObjectID!", i)
		fmt.Fprintf(&asked, "\n    b%d: object(oid: $b%d) { ... on Blob { oid text isTruncated } }", i, i)
		variables[fmt.Sprintf("b%d", i)] = s.Entries[name].OID
	}
	var answer struct{ Repository map[string]blobAnswer }
	document := "query Texts($owner: String!, $name: String!" + declared.String() + ") {\n  repository(owner: $owner, name: $name) {" + asked.String() + "\n  }\n}"
	if err := c.repeat(ctx, c.at(s.Branch), c.graphQL(document, variables, &answer)); err != nil {
		return err
	}
	for i, name := range names {
		s.Entries[name].Data = answer.Repository[fmt.Sprintf("b%d", i)].verified(s.Entries[name].OID)
	}
	return nil
}

// loadRaw reads a file that GraphQL cannot give byte for byte.
func (c *Client) loadRaw(ctx context.Context, s *snapshot.Snapshot, name string) error {
	var data []byte
	err := c.repeat(ctx, c.at(s.Branch)+": "+name, func(ctx context.Context) (err error) {
		data, _, err = c.api.Git.GetBlobRaw(ctx, c.owner, c.repo, s.Entries[name].OID)
		return err
	})
	if err != nil {
		return err
	}
	return s.Load(c.at(s.Branch), "GitHub", name, data)
}

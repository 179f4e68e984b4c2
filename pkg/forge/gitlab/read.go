package gitlab

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/internal/rest"
	"github.com/tagbump/tagbump/pkg/forge/internal/snapshot"
)

const (
	readers   = 8   // files that are asked for at once
	treePages = 200 // of 100 paths each: GitLab lists no more in one answer
)

// Read returns the selected files at the tip of branch, "" for the default one, or at
// commit if that is not "". The branch costs a request, and the default branch two; so
// does each folder that may hold a selected file, and each file that exists. A pattern
// that spans folders costs one for each 100 paths of the tree instead.
//
// GitLab gives a file in base64, byte for byte, which its hash confirms.
func (c *Client) Read(ctx context.Context, branch, commit string, selection files.Selection) (*files.Tree, error) {
	s, err := c.look(ctx, branch, commit)
	if err != nil {
		return nil, err
	}
	if err := c.list(ctx, s, foldersOf(snapshot.NeedOf(selection))); err != nil {
		return nil, err
	}
	return s.Read(c.at(s.Branch), selection, func(names []string) error { return c.load(ctx, s, names) })
}

// foldersOf returns need with the folders of its names in place of them: a listing also
// tells which of them exist, and which are links.
func foldersOf(need snapshot.Need) snapshot.Need {
	for _, name := range need.Names {
		need.Folders = append(need.Folders, path.Dir(name))
	}
	slices.Sort(need.Folders)
	return snapshot.Need{Folders: slices.Compact(need.Folders), Deep: need.Deep}
}

// at names a branch in errors.
func (c *Client) at(branch string) string {
	if branch == "" {
		return c.project
	}
	return c.project + ": " + branch
}

// look returns the snapshot of a revision, which may have been read before.
func (c *Client) look(ctx context.Context, branch, commit string) (*snapshot.Snapshot, error) {
	if known := c.snapshots[commit]; known != nil {
		return known, nil
	}
	if commit != "" {
		return c.keep(snapshot.New(branch, commit)), nil
	}
	if branch == "" {
		var err error
		if branch, err = c.defaultBranch(ctx); err != nil {
			return nil, err
		}
	}
	at, err := c.branch(ctx, branch)
	if err != nil {
		return nil, err
	}
	if at.ID == "" {
		return nil, &rest.Error{Where: c.at(branch), Why: "no such branch", Kind: forge.ErrNotFound}
	}
	if known := c.snapshots[at.ID]; known != nil {
		return known, nil
	}
	return c.keep(snapshot.New(branch, at.ID)), nil
}

func (c *Client) keep(s *snapshot.Snapshot) *snapshot.Snapshot {
	if c.snapshots == nil {
		c.snapshots = map[string]*snapshot.Snapshot{}
	}
	c.snapshots[s.Tip] = s
	return s
}

func (c *Client) defaultBranch(ctx context.Context) (string, error) {
	var project struct {
		DefaultBranch string `json:"default_branch"`
	}
	if err := c.do(ctx, c.project, http.MethodGet, "", nil, nil, &project); err != nil {
		return "", err
	}
	if project.DefaultBranch == "" {
		return "", &rest.Error{Where: c.project, Why: "the repository has no default branch", Kind: forge.ErrNotFound}
	}
	return project.DefaultBranch, nil
}

// A commitAnswer is a commit as the API tells of it.
type commitAnswer struct {
	ID          string   `json:"id"`
	ParentIDs   []string `json:"parent_ids"`
	Message     string   `json:"message"`
	AuthorName  string   `json:"author_name"`
	AuthorEmail string   `json:"author_email"`
	Committed   string   `json:"committed_date"`
}

// parent returns the first parent, "" for the root.
func (a commitAnswer) parent() string {
	if len(a.ParentIDs) == 0 {
		return ""
	}
	return a.ParentIDs[0]
}

// branch returns the commit at the tip of a branch; its ID is "" when there is no such
// branch.
func (c *Client) branch(ctx context.Context, name string) (commitAnswer, error) {
	var answer struct{ Commit commitAnswer }
	err := c.do(ctx, c.at(name), http.MethodGet, "/repository/branches/"+url.PathEscape(name), nil, nil, &answer)
	if isMissing(err, "Branch") {
		return commitAnswer{}, nil
	}
	return answer.Commit, err
}

// isMissing reports whether GitLab says that it has no such thing ("File", "Branch",
// "Tree") in a project that it does have.
func isMissing(err error, what string) bool {
	var refused *rest.Error
	return errors.As(err, &refused) && refused.Status == http.StatusNotFound && strings.Contains(refused.Why, what+" Not Found")
}

// list learns the paths in folders, or those of the whole commit.
func (c *Client) list(ctx context.Context, s *snapshot.Snapshot, need snapshot.Need) error {
	need = s.Unknown(need)
	if need.Deep {
		whole, err := c.listTree(ctx, s, url.Values{"recursive": {"true"}})
		s.Whole = err == nil
		addAll(s, whole)
		return err
	}
	found := make([][]listed, len(need.Folders))
	var group errgroup.Group
	group.SetLimit(readers)
	for i, dir := range need.Folders {
		group.Go(func() (err error) {
			query := url.Values{}
			if dir != "." {
				query.Set("path", dir)
			}
			found[i], err = c.listTree(ctx, s, query)
			if isMissing(err, "Tree") || isMissing(err, "invalid revision or path") {
				err = nil // there is no such folder
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, dir := range need.Folders {
		s.Folders[dir] = true
		addAll(s, found[i])
	}
	return nil
}

// A listed entry is a path of a folder.
type listed struct{ ID, Path, Mode string }

func addAll(s *snapshot.Snapshot, entries []listed) {
	for _, found := range entries {
		s.Add(found.Path, found.ID, found.Mode)
	}
}

func (c *Client) listTree(ctx context.Context, s *snapshot.Snapshot, query url.Values) ([]listed, error) {
	query.Set("ref", s.Tip)
	query.Set("per_page", strconv.Itoa(perPage))
	var all []listed
	for page := 1; page <= treePages; page++ {
		query.Set("page", strconv.Itoa(page))
		var entries []listed
		if err := c.do(ctx, c.at(s.Branch), http.MethodGet, "/repository/tree", query, nil, &entries); err != nil {
			return nil, err
		}
		if all = append(all, entries...); len(entries) < perPage {
			return all, nil
		}
	}
	return nil, &rest.Error{Where: c.at(s.Branch), Why: fmt.Sprintf("over %d paths to list", treePages*perPage), Kind: forge.ErrInvalid, Advice: snapshot.Hint}
}

// load reads the content of files.
func (c *Client) load(ctx context.Context, s *snapshot.Snapshot, names []string) error {
	answers := make([]fileAnswer, len(names))
	var group errgroup.Group
	group.SetLimit(readers)
	for i, name := range names {
		group.Go(func() error {
			query := url.Values{"ref": {s.Tip}}
			return c.do(ctx, c.at(s.Branch)+": "+name, http.MethodGet, "/repository/files/"+url.PathEscape(name), query, nil, &answers[i])
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	for i, name := range names {
		s.Entries[name].Changed = answers[i].LastCommit
		data, err := base64.StdEncoding.DecodeString(answers[i].Content)
		if err != nil {
			return &rest.Error{Where: c.at(s.Branch) + ": " + name, Why: "the answer is not base64", Kind: forge.ErrInvalid}
		}
		if err := s.Load(c.at(s.Branch), "GitLab", name, data); err != nil {
			return err
		}
	}
	return nil
}

// A fileAnswer is a file as the API tells of it.
type fileAnswer struct {
	Content    string `json:"content"`
	LastCommit string `json:"last_commit_id"`
}

package wire

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tagbump/tagbump/pkg/bump"
	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/forge"
	"github.com/tagbump/tagbump/pkg/forge/github"
)

// Via says how a remote repository is read and committed to.
type Via string

// The ways to commit.
const (
	ViaGit  Via = "git"  // by git's protocol; the default
	ViaAPI  Via = "api"  // by the forge's API, without git
	ViaAuto Via = "auto" // by the API with the token of a GitHub App, else by git
)

// Vias returns the names of the ways to commit.
func Vias() []string { return []string{string(ViaGit), string(ViaAPI), string(ViaAuto)} }

// committer is a forge's API that reads and commits files, too.
type committer interface {
	forge.Host
	Read(ctx context.Context, branch, commit string, selection files.Selection) (*files.Tree, error)
	Tip(ctx context.Context, branch string) (string, error)
	Commit(ctx context.Context, tree *files.Tree, commit forge.Change) (string, error)
	Log(ctx context.Context, commit string, names []string, most int) ([]forge.LogEntry, error)
}

// apiRepo is a repository behind a forge's API as bump sees it.
type apiRepo struct {
	api        committer
	credential credential
	author     string // "NAME <EMAIL>"; "" is the token's own user
}

// Read returns the selected files at a revision.
func (r apiRepo) Read(ctx context.Context, at bump.Revision, selection files.Selection) (bump.Tree, error) {
	tree, err := r.api.Read(ctx, at.Branch, at.Commit, selection)
	if err != nil {
		return nil, r.credential.explain(err)
	}
	return tree, nil
}

// Tip returns the latest commit of branch.
func (r apiRepo) Tip(ctx context.Context, branch string) (string, error) {
	tip, err := r.api.Tip(ctx, branch)
	return tip, r.credential.explain(err)
}

// Save makes the commit.
func (r apiRepo) Save(ctx context.Context, base bump.Tree, c bump.Commit) (bump.Saved, error) {
	commit := forge.Change{Branch: c.Branch, Old: c.Old, Parent: base.Tip(), Files: c.Files, Message: c.Message, Author: r.author}
	if commit.Branch == "" {
		commit.Branch, commit.Old = base.Branch(), base.Tip()
	}
	hash, err := r.api.Commit(ctx, base.(*files.Tree), commit)
	if errors.Is(err, forge.ErrMoved) {
		err = fmt.Errorf("%w (%w)", bump.ErrMoved, err)
	}
	if err != nil {
		return bump.Saved{}, r.credential.explain(err)
	}
	return bump.Saved{State: bump.Pushed, Commit: hash}, nil
}

// Log returns the latest commits that changed one of the named files.
func (r apiRepo) Log(ctx context.Context, at bump.Revision, names []string, most int) ([]bump.CommitInfo, error) {
	entries, err := r.api.Log(ctx, firstOf(at.Commit, at.Branch), names, most)
	return commitsOfAPI(entries), r.credential.explain(err)
}

func commitsOfAPI(entries []forge.LogEntry) []bump.CommitInfo {
	commits := make([]bump.CommitInfo, len(entries))
	for i, entry := range entries {
		commits[i] = bump.CommitInfo{Hash: entry.Hash, Author: entry.Author, When: entry.When, Message: entry.Message}
	}
	return commits
}

// History returns the latest commits and what the named files were in them. Each name
// costs a request, and each of its versions another.
func (r apiRepo) History(ctx context.Context, at bump.Revision, names []string, most int) (bump.History, error) {
	from := firstOf(at.Commit, at.Branch)
	entries, err := r.api.Log(ctx, from, nil, most+1)
	if err != nil {
		return bump.History{}, r.credential.explain(err)
	}
	h := bump.History{More: len(entries) > most, Files: map[string][]bump.Version{}}
	h.Commits = commitsOfAPI(entries[:min(most, len(entries))])
	for _, name := range names {
		if h.Files[name], err = r.versions(ctx, from, name, h.Commits, most); err != nil {
			return bump.History{}, r.credential.explain(err)
		}
	}
	return h, nil
}

// versions returns what the file was in commits, the newest first, and in the next
// older one that changed it.
func (r apiRepo) versions(ctx context.Context, from, name string, commits []bump.CommitInfo, most int) ([]bump.Version, error) {
	touched, err := r.api.Log(ctx, from, []string{name}, most+1)
	if err != nil {
		return nil, err
	}
	selection, err := files.Select(files.Quote(name))
	if err != nil {
		return nil, err
	}
	var versions []bump.Version
	for _, entry := range touched {
		i := slices.IndexFunc(commits, func(c bump.CommitInfo) bool { return c.Hash == entry.Hash })
		if i < 0 {
			i = len(commits)
		}
		tree, err := r.api.Read(ctx, "", entry.Hash, selection)
		if err != nil && !errors.Is(err, files.ErrMissing) {
			return nil, err
		}
		version := bump.Version{Commit: i}
		if err == nil {
			file, _ := tree.File(name)
			version.Data = file.Data
		}
		if versions = append(versions, version); i == len(commits) {
			break
		}
	}
	return versions, nil
}

// openAPI opens a repository behind a forge's API.
func (w World) openAPI(place Place) (*Repository, error) {
	known, err := w.apiOf(place)
	if err != nil {
		return nil, err
	}
	if known.commits == nil {
		return nil, fault.Errorf(fault.Usage, "--commit-via api: %s: commits by the API are for GitHub and GitLab", place.Where).
			WithHint("leave the flag out to commit by git")
	}
	c, err := w.forgeToken(place, known, "a commit by the API")
	if err != nil {
		return nil, err
	}
	api, err := known.commits(w, place, c.secret)
	if errors.Is(err, forge.ErrInvalid) {
		return nil, fault.As(fault.Usage, err)
	}
	if err != nil {
		return nil, err
	}
	return &Repository{apiRepo{api: api, credential: c}, w, func() error { return nil }}, nil
}

// ForgeOf returns the API of the forge that holds the place's repository. A repository that
// is read by the API shares its client, and so the answers that this already has.
func (w World) ForgeOf(repo *Repository, place Place) (forge.Host, error) {
	if byAPI, ok := repo.Repo.(apiRepo); ok {
		return explainedForge{byAPI.api, byAPI.credential}, nil
	}
	return w.OpenForge(place)
}

// withAuthor returns r for commits of author, where the forge takes another author
// than the token's user.
func (r apiRepo) withAuthor(w World, author string) apiRepo {
	if _, signs := r.api.(*github.Client); signs {
		w.Say("warning: the author %s is not used: GitHub signs a commit by its API, and makes it the token's own", author)
		return r
	}
	r.author = author
	return r
}

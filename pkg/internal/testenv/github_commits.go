package testenv

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// truncatedAt is over how many bytes the fake cuts a file's text.
const truncatedAt = 512_000

// git runs git in the repository and returns what it prints, byte for byte.
func (g *gitHub) git(args ...string) (string, error) {
	if g.opts.Git == nil {
		return "", fmt.Errorf("github: the fake has no git repository")
	}
	return runGit(g.opts.Git.Dir, nil, args...)
}

// refObject returns nil for a branch that does not exist.
func (g *gitHub) refObject(name string) any {
	tip, err := g.git("rev-parse", "--verify", "--quiet", name)
	if tip = strings.TrimSpace(tip); err != nil || tip == "" {
		return nil
	}
	return gqlObject{"name": strings.TrimPrefix(name, "refs/heads/"), "target": g.gitObject(tip)}
}

// gitObject has the fields of a commit, a tree or a blob; nil for a hash that names no object.
func (g *gitHub) gitObject(oid string) any {
	kind, err := g.git("cat-file", "-t", oid)
	if err != nil {
		return nil
	}
	switch strings.TrimSpace(kind) {
	case "commit":
		return g.commitObject(oid)
	case "tree":
		return gqlObject{"__typename": "Tree", "entries": g.entries(oid)}
	}
	return g.blobObject(oid)
}

func (g *gitHub) commitObject(oid string) gqlObject {
	message, _ := g.git("log", "-1", "--format=%B", oid)
	parents, _ := g.git("log", "-1", "--format=%P", oid)
	nodes := []gqlObject{}
	for _, parent := range strings.Fields(parents) {
		nodes = append(nodes, gqlObject{"oid": parent})
	}
	return gqlObject{
		"__typename": "Commit",
		"oid":        oid, "message": strings.TrimSpace(message),
		"parents": gqlObject{"nodes": nodes},
		"tree":    gqlObject{"entries": g.entries(oid)},
		"history": func(arguments map[string]any) (any, error) { return g.history(oid, arguments["first"]) },
		"file": func(arguments map[string]any) (any, error) {
			listed, err := g.git("ls-tree", "-z", oid, "--", fmt.Sprint(arguments["path"]))
			if err != nil || listed == "" {
				return nil, nil
			}
			return g.treeEntry(strings.TrimSuffix(listed, "\x00")), nil
		},
	}
}

// history returns the latest commits up to oid.
func (g *gitHub) history(oid string, first any) (any, error) {
	listed, err := g.git("log", fmt.Sprintf("--max-count=%v", first), "--format=%H%x00%an%x00%ae%x00%cI%x00%B%x01", oid)
	if err != nil {
		return nil, err
	}
	nodes := []gqlObject{}
	for one := range strings.SplitSeq(listed, "\x01") {
		if fields := strings.Split(strings.TrimPrefix(one, "\n"), "\x00"); len(fields) == 5 {
			nodes = append(nodes, gqlObject{
				"oid": fields[0], "message": strings.TrimSpace(fields[4]), "committedDate": fields[3],
				"author": gqlObject{"name": fields[1], "email": fields[2]},
			})
		}
	}
	return gqlObject{"nodes": nodes}, nil
}

func (g *gitHub) entries(oid string) []gqlObject {
	listed, _ := g.git("ls-tree", "-z", oid)
	var all []gqlObject
	for line := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		if line != "" {
			all = append(all, g.treeEntry(line))
		}
	}
	return all
}

// treeEntry reads one line of ls-tree.
func (g *gitHub) treeEntry(line string) gqlObject {
	head, name, _ := strings.Cut(line, "\t")
	fields := strings.Fields(head)
	mode, _ := strconv.ParseInt(fields[0], 8, 64)
	return gqlObject{
		"name": name[strings.LastIndexByte(name, '/')+1:], "mode": mode, "oid": fields[2], "type": fields[1],
		"object": func(map[string]any) (any, error) {
			if fields[1] == "commit" {
				return nil, nil // a submodule
			}
			return g.gitObject(fields[2]), nil
		},
	}
}

// blobObject cuts long texts, has none for binary data, and leaves out a byte order
// mark: what a text is worth must be held against its hash.
func (g *gitHub) blobObject(oid string) gqlObject {
	content, _ := g.git("cat-file", "blob", oid)
	object := gqlObject{"__typename": "Blob", "oid": oid, "text": nil, "isTruncated": false}
	if !utf8.ValidString(content) || strings.Contains(content, "\x00") {
		return object
	}
	content = strings.TrimPrefix(content, "\ufeff")
	if len(content) > truncatedAt {
		content, object["isTruncated"] = content[:truncatedAt], true
	}
	object["text"] = content
	return object
}

func (g *gitHub) createRef(input map[string]any) (any, error) {
	name := fmt.Sprint(input["name"])
	if input["repositoryId"] != "R_1" {
		return nil, &gqlError{"NOT_FOUND", fmt.Sprintf("Could not resolve to a node with the global id of '%v'", input["repositoryId"])}
	}
	if _, err := g.git("update-ref", name, fmt.Sprint(input["oid"]), strings.Repeat("0", 40)); err != nil {
		return nil, &gqlError{"UNPROCESSABLE", "A ref named \"" + name + "\" already exists in the repository."}
	}
	return gqlObject{"ref": gqlObject{"name": strings.TrimPrefix(name, "refs/heads/")}}, nil
}

func (g *gitHub) updateRefs(input map[string]any) (any, error) {
	var lines []string
	updates, _ := input["refUpdates"].([]any)
	for _, update := range updates {
		fields, _ := update.(map[string]any)
		lines = append(lines, fmt.Sprintf("update %v %v %v\n", fields["name"], fields["afterOid"], fields["beforeOid"]))
	}
	if _, err := runGit(g.opts.Git.Dir, strings.NewReader(strings.Join(lines, "")), "update-ref", "--stdin"); err != nil {
		return nil, &gqlError{"UNPROCESSABLE", "Reference cannot be updated: it has moved"}
	}
	return gqlObject{"clientMutationId": nil}, nil
}

// createCommit makes a commit as GitHub does: of the token's user, with files that are
// not executable, if the branch is where it is expected.
func (g *gitHub) createCommit(input map[string]any) (any, error) {
	branch, _ := input["branch"].(map[string]any)
	message, _ := input["message"].(map[string]any)
	changes, _ := input["fileChanges"].(map[string]any)
	additions, _ := changes["additions"].([]any)
	name, expected := fmt.Sprint(branch["branchName"]), fmt.Sprint(input["expectedHeadOid"])
	tip, exists := g.opts.Tip(name)
	switch {
	case branch["repositoryNameWithOwner"] != g.opts.Path:
		return nil, &gqlError{"NOT_FOUND", "Could not resolve to a Repository with the name."}
	case !exists:
		return nil, &gqlError{"NOT_FOUND", "No such branch in the repository."}
	case name == g.opts.Protected:
		return nil, &gqlError{"UNPROCESSABLE", "Repository rule violations found\n\nChanges must be made through a pull request.\n\n"}
	case strings.TrimSpace(tip) != expected:
		return nil, &gqlError{"STALE_DATA", fmt.Sprintf("Expected branch to point to %q but it did not. Pull and try again.", expected)}
	}
	text := fmt.Sprint(message["headline"])
	if body, ok := message["body"].(string); ok && body != "" {
		text += "\n\n" + body
	}
	oid, err := commitFiles(g.opts.Git, name, expected, "tagbump-bot <2+tagbump-bot@users.noreply.github.com>", text, additions)
	if err != nil {
		return nil, &gqlError{"UNPROCESSABLE", err.Error()}
	}
	return gqlObject{"commit": gqlObject{"oid": oid}}, nil
}

// commitFiles makes a commit with git's fast-import.
func commitFiles(repo *GitRepo, branch, parent, author, message string, additions []any) (string, error) {
	var script strings.Builder
	fmt.Fprintf(&script, "commit refs/heads/%s\nauthor %s 1767323045 +0000\ncommitter GitHub <noreply@github.com> 1767323045 +0000\ndata %d\n%s\nfrom %s\n", branch, author, len(message), message, parent)
	for _, addition := range additions {
		fields, _ := addition.(map[string]any)
		content, err := base64.StdEncoding.DecodeString(fmt.Sprint(fields["contents"]))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&script, "M 100644 inline %v\ndata %d\n%s\n", fields["path"], len(content), content)
	}
	if _, err := runGit(repo.Dir, strings.NewReader(script.String()), "fast-import", "--quiet", "--force"); err != nil {
		return "", err
	}
	tip, err := repo.Tip(branch)
	return strings.TrimSpace(tip), err
}

func (g *gitHub) getTree(w http.ResponseWriter, r *http.Request) {
	listed, err := g.git("ls-tree", "-z", "-r", "-t", r.PathValue("sha"))
	if err != nil {
		githubNotFound(w)
		return
	}
	entries := []any{}
	for line := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		head, name, _ := strings.Cut(line, "\t")
		fields := strings.Fields(head)
		entries = append(entries, map[string]any{"path": name, "mode": fields[0], "type": fields[1], "sha": fields[2]})
	}
	githubAnswer(w, http.StatusOK, map[string]any{"sha": r.PathValue("sha"), "tree": entries, "truncated": false})
}

func (g *gitHub) getBlob(w http.ResponseWriter, r *http.Request) {
	content, err := g.git("cat-file", "blob", r.PathValue("sha"))
	if err != nil {
		githubNotFound(w)
		return
	}
	if strings.Contains(r.Header.Get("Accept"), "raw") {
		w.Header().Set("Content-Type", "application/vnd.github.raw; charset=utf-8")
		w.Write([]byte(content)) //nolint:errcheck // the client has gone
		return
	}
	githubAnswer(w, http.StatusOK, map[string]any{
		"sha": r.PathValue("sha"), "size": len(content), "encoding": "base64", "content": base64.StdEncoding.EncodeToString([]byte(content)),
	})
}

func (g *gitHub) listCommits(w http.ResponseWriter, r *http.Request) {
	args := []string{"log", "--format=%H%x00%an%x00%ae%x00%cI%x00%B%x01", r.URL.Query().Get("sha")}
	if path := r.URL.Query().Get("path"); path != "" {
		args = append(args, "--", path)
	}
	listed, err := g.git(args...)
	if err != nil {
		githubNotFound(w)
		return
	}
	commits := []any{}
	for one := range strings.SplitSeq(listed, "\x01") {
		fields := strings.Split(strings.TrimPrefix(one, "\n"), "\x00")
		if len(fields) < 5 {
			continue
		}
		commits = append(commits, map[string]any{"sha": fields[0], "commit": map[string]any{
			"message":   strings.TrimSpace(fields[4]),
			"author":    map[string]any{"name": fields[1], "email": fields[2], "date": fields[3]},
			"committer": map[string]any{"name": fields[1], "email": fields[2], "date": fields[3]},
		}})
	}
	size := githubNumber(r, "per_page", 30, 100)
	githubAnswer(w, http.StatusOK, slices.Clip(commits[:min(size, len(commits))]))
}

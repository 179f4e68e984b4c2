package testenv

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"strings"
)

// gitlabGit runs git in the repository and returns what it prints, byte for byte.
func (f *Forge) gitlabGit(args ...string) (string, error) {
	if f.opts.Git == nil {
		return "", fmt.Errorf("gitlab: the fake has no git repository")
	}
	return f.opts.Git.Git(args...)
}

func (f *Forge) gitlabBranch(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("branch")
	tip, exists := f.opts.Tip(name)
	if !exists {
		gitlabProblem(w, http.StatusNotFound, "404 Branch Not Found")
		return
	}
	answerJSON(w, http.StatusOK, map[string]any{
		"name": name, "default": name == "main", "protected": name == f.opts.Protected, "commit": f.gitlabCommitObject(tip),
	})
}

func (f *Forge) gitlabCommitObject(hash string) map[string]any {
	told, _ := f.gitlabGit("log", "-1", "--format=%P%x00%an%x00%ae%x00%cI%x00%B", hash)
	fields := strings.SplitN(told, "\x00", 5)
	if len(fields) < 5 {
		return map[string]any{"id": hash}
	}
	message := strings.TrimSuffix(fields[4], "\n")
	title, _, _ := strings.Cut(message, "\n")
	return map[string]any{
		"id": hash, "short_id": hash[:8], "parent_ids": strings.Fields(fields[0]), "title": title, "message": message,
		"author_name": fields[1], "author_email": fields[2], "committed_date": fields[3],
	}
}

func (f *Forge) gitlabTree(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	args := []string{"ls-tree", "-z", "--full-tree"}
	if query.Get("recursive") == "true" {
		args = append(args, "-r", "-t")
	}
	at := query.Get("ref")
	if dir := query.Get("path"); dir != "" {
		at += ":" + dir
	}
	listed, err := f.gitlabGit(append(args, at)...)
	if err != nil {
		gitlabProblem(w, http.StatusNotFound, "404 Tree Not Found")
		return
	}
	entries := []map[string]any{}
	for line := range strings.SplitSeq(strings.TrimSuffix(listed, "\x00"), "\x00") {
		head, name, _ := strings.Cut(line, "\t")
		fields := strings.Fields(head)
		if dir := query.Get("path"); dir != "" {
			name = dir + "/" + name
		}
		entries = append(entries, map[string]any{"id": fields[2], "name": name[strings.LastIndexByte(name, '/')+1:], "type": fields[1], "path": name, "mode": fields[0]})
	}
	answerJSON(w, http.StatusOK, page(r, entries, "per_page", 100))
}

// gitlabFile answers for links, too, as GitLab does: with the target as the content.
func (f *Forge) gitlabFile(w http.ResponseWriter, r *http.Request) {
	name, ref := r.PathValue("file"), r.URL.Query().Get("ref")
	commit, err := f.gitlabGit("rev-parse", "--verify", "--quiet", ref+"^{commit}")
	if err != nil {
		gitlabProblem(w, http.StatusNotFound, "404 Commit Not Found")
		return
	}
	commit = strings.TrimSpace(commit)
	listed, _ := f.gitlabGit("ls-tree", "--full-tree", commit, "--", name)
	fields := strings.Fields(listed)
	if len(fields) == 0 || fields[1] != "blob" {
		gitlabProblem(w, http.StatusNotFound, "404 File Not Found")
		return
	}
	content, _ := f.gitlabGit("cat-file", "blob", fields[2])
	answerJSON(w, http.StatusOK, map[string]any{
		"file_name": name[strings.LastIndexByte(name, '/')+1:], "file_path": name, "size": len(content), "encoding": "base64",
		"content": base64.StdEncoding.EncodeToString([]byte(content)), "ref": ref, "blob_id": fields[2], "commit_id": commit,
		"last_commit_id": f.gitlabLastCommit(commit, name), "execute_filemode": fields[0] == "100755",
	})
}

func (f *Forge) gitlabLastCommit(at, name string) string {
	last, _ := f.gitlabGit("log", "-1", "--format=%H", at, "--", name)
	return strings.TrimSpace(last)
}

func (f *Forge) gitlabCommits(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	ref := query.Get("ref_name")
	if ref == "" {
		ref = "main"
	}
	args := []string{"log", "--format=%H", ref, "--"}
	if path := query.Get("path"); path != "" {
		args = append(args, path)
	}
	listed, err := f.gitlabGit(args...)
	if err != nil {
		gitlabProblem(w, http.StatusNotFound, "404 Commit Not Found")
		return
	}
	commits := []map[string]any{}
	for _, hash := range strings.Fields(listed) {
		commits = append(commits, f.gitlabCommitObject(hash))
	}
	answerJSON(w, http.StatusOK, page(r, commits, "per_page", 100))
}

// A gitlabAction is one file of a commit.
type gitlabAction struct {
	Action     string `json:"action"`
	Path       string `json:"file_path"`
	Content    string `json:"content"`
	Encoding   string `json:"encoding"`
	LastCommit string `json:"last_commit_id"`
}

// A gitlabCommitRequest is the body of a POST of a commit.
type gitlabCommitRequest struct {
	Branch      string         `json:"branch"`
	Message     string         `json:"commit_message"`
	StartSHA    string         `json:"start_sha"`
	Force       bool           `json:"force"`
	AuthorName  string         `json:"author_name"`
	AuthorEmail string         `json:"author_email"`
	Actions     []gitlabAction `json:"actions"`
}

// gitlabCommit makes a commit as GitLab does: it checks the files and not the branch, and
// stores lines that end in CR LF with LF, as servers do that run git with
// core.autocrlf=input.
func (f *Forge) gitlabCommit(w http.ResponseWriter, r *http.Request) {
	var asked gitlabCommitRequest
	if err := decodeJSON(r, &asked); err != nil {
		answerJSON(w, http.StatusBadRequest, map[string]string{"error": err.Error()})
		return
	}
	if asked.Branch == f.opts.Protected {
		gitlabProblem(w, http.StatusForbidden, "403 Forbidden - You are not allowed to push into this branch")
		return
	}
	tip, exists := f.opts.Tip(asked.Branch)
	parent, problem := f.gitlabStart(asked, tip, exists)
	for i := range asked.Actions {
		if problem == "" {
			problem = f.gitlabFileProblem(asked, asked.Actions[i], parent)
		}
	}
	if problem != "" {
		gitlabProblem(w, http.StatusBadRequest, problem)
		return
	}
	hash, err := f.gitlabMake(asked, parent)
	if err != nil {
		gitlabProblem(w, http.StatusBadRequest, err.Error())
		return
	}
	answerJSON(w, http.StatusCreated, f.gitlabCommitObject(hash))
}

var gitlabHash = regexp.MustCompile(`^[0-9a-f]{40}$`)

// gitlabStart returns the parent of the new commit, or why it cannot have one.
func (f *Forge) gitlabStart(asked gitlabCommitRequest, tip string, exists bool) (parent, problem string) {
	switch {
	case asked.StartSHA == "" && !exists:
		return "", "You can only create or edit files when you are on a branch"
	case asked.StartSHA == "":
		return tip, ""
	case !gitlabHash.MatchString(asked.StartSHA):
		return "", fmt.Sprintf("Invalid start_sha '%s'", asked.StartSHA)
	case exists && !asked.Force:
		return "", fmt.Sprintf("A branch called '%s' already exists. Switch to that branch in order to make changes", asked.Branch)
	}
	if _, err := f.gitlabGit("cat-file", "-e", asked.StartSHA+"^{commit}"); err != nil {
		return "", fmt.Sprintf("Cannot find start_sha '%s'", asked.StartSHA)
	}
	return asked.StartSHA, ""
}

func (f *Forge) gitlabFileProblem(asked gitlabCommitRequest, action gitlabAction, parent string) string {
	if action.Action != "update" {
		return "actions[action] does not have a valid value"
	}
	if asked.StartSHA == "" && action.LastCommit != "" && action.LastCommit != f.gitlabLastCommit(parent, action.Path) && !f.opts.Racing {
		return "The file has changed since you started editing it: " + action.Path
	}
	if _, err := f.gitlabGit("cat-file", "-e", parent+":"+action.Path); err != nil {
		return "A file with this name doesn't exist"
	}
	return ""
}

// gitlabMake keeps the modes of the files.
func (f *Forge) gitlabMake(asked gitlabCommitRequest, parent string) (string, error) {
	author := "Tagbump Bot <project_7_bot@noreply.gitlab.example>"
	if asked.AuthorName != "" {
		author = fmt.Sprintf("%s <%s>", asked.AuthorName, asked.AuthorEmail)
	}
	var script strings.Builder
	fmt.Fprintf(&script, "commit refs/heads/%s\nauthor %s 1767323045 +0000\ncommitter Tagbump Bot <project_7_bot@noreply.gitlab.example> 1767323045 +0000\ndata %d\n%s\nfrom %s\n", asked.Branch, author, len(asked.Message), asked.Message, parent)
	for _, action := range asked.Actions {
		content := []byte(action.Content)
		if action.Encoding == "base64" {
			var err error
			if content, err = base64.StdEncoding.DecodeString(action.Content); err != nil {
				return "", err
			}
		}
		text := strings.ReplaceAll(string(content), "\r\n", "\n")
		listed, _ := f.gitlabGit("ls-tree", "--full-tree", parent, "--", action.Path)
		fmt.Fprintf(&script, "M %s inline %s\ndata %d\n%s\n", strings.Fields(listed)[0], action.Path, len(text), text)
	}
	if _, err := runGit(f.opts.Git.Dir, strings.NewReader(script.String()), "fast-import", "--quiet", "--force"); err != nil {
		return "", err
	}
	return f.opts.Git.Tip(asked.Branch)
}

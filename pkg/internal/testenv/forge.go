package testenv

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ForgeOptions describe the one repository that a Forge knows.
type ForgeOptions struct {
	Path     string   // "acme/charts", or with subgroups for GitLab
	Username string   // that must come with the token, where the forge takes one
	Token    string   // that must be sent; "" refuses every request
	Users    []string // who can be asked for reviews, by their names
	Prefix   string   // of every path, as GitHub Enterprise has "/api/v3"; GitHub only, default none
	Formerly string   // an earlier path, from which requests are redirected; GitHub only

	Git       *GitRepo // whose files the API reads and commits, and whose branches Tip tells by default; GitHub and GitLab only
	App       string   // the public key, in PEM, of the GitHub App 1234, which gets Token; GitHub only
	Protected string   // the branch that takes no commits
	// Racing makes the fake miss what another request has done in the same moment: Gitea
	// opens a second pull request between two branches, and GitLab commits a file that has
	// changed since it was read.
	Racing    bool
	AutoMerge string // GitHub's words when auto-merge is asked for; default: it is turned on

	// Tip returns the hash that a branch points at, and whether it exists.
	Tip func(branch string) (hash string, ok bool)
	// Compare returns what the branch head has that base does not. Default: nothing.
	Compare func(base, head string) ForgeComparison
}

// A ForgeComparison is what one branch has that another one does not.
type ForgeComparison struct {
	Commits []ForgeCommit // the newest first
	Files   []string      // that differ since the branches parted
}

// A ForgeCommit is one commit of a comparison.
type ForgeCommit struct {
	Hash, Author, Message string
	Parents               []string
	Files                 []string // that differ from the first parent's
}

// A Forge is a fake of one forge's REST API for the pull requests of one private
// repository. Its answers, error texts included, follow the forge's documentation.
// It merges nothing; branches live where Tip looks. NewGitHub, NewGitLab,
// NewGitea and NewBitbucket make one.
type Forge struct {
	// Before, when set, sees every request first and returns true when it has
	// answered it. It may change the request, as a server does that ignores a
	// parameter. Set it before the first request.
	Before func(http.ResponseWriter, *http.Request) bool

	opts     ForgeOptions
	root     string // of every path: "/api/v4"
	routes   *http.ServeMux
	handler  http.Handler // routes, behind the root
	admits   func(http.ResponseWriter, *http.Request) bool
	mu       sync.Mutex
	pulls    []*ForgePull // by number, from 1
	labels   []string     // that the repository has; the number of one is its place from 1
	requests []ForgeRequest
}

// A ForgePull is one pull request as the fake holds it.
type ForgePull struct {
	Number      int
	Open        bool
	Title, Body string
	Head, Base  string // branches
	Fork        bool   // the head is a fork's branch
	Draft       bool   // where the forge has a field for it
	AutoMerge   bool
	Merged      bool
	Labels      []string
	Reviewers   []string
	Reviewed    []string // who has reviewed, which takes one off the reviewers; GitHub only
	Assignees   []string
	Comments    []string
}

// A ForgeRequest is one request as it came in, without its token.
type ForgeRequest struct{ Method, Path, Query, Body, UserAgent string }

func newForge(opts ForgeOptions, root string) *Forge {
	if opts.Compare == nil {
		opts.Compare = func(string, string) ForgeComparison { return ForgeComparison{} }
	}
	if opts.Tip == nil && opts.Git != nil {
		opts.Tip = func(branch string) (string, bool) {
			tip, err := opts.Git.Tip(branch)
			return tip, err == nil && tip != ""
		}
	}
	f := &Forge{opts: opts, root: root, routes: http.NewServeMux()}
	f.handler = http.StripPrefix(root, f.routes)
	return f
}

// Listen serves f on a loopback port until stop is called, and returns the root
// of its API, without a slash at its end.
func (f *Forge) Listen() (apiURL string, stop func() error, err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("forge: %w", err)
	}
	server := &http.Server{Handler: f, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends with ErrServerClosed
	return "http://" + listener.Addr().String() + f.root, server.Close, nil
}

// Add opens a pull request, whatever its branches are, and returns its number.
func (f *Forge) Add(pull ForgePull) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.add(pull).Number
}

func (f *Forge) add(pull ForgePull) *ForgePull {
	pull.Number, pull.Open = len(f.pulls)+1, true
	f.pulls = append(f.pulls, &pull)
	return &pull
}

// Close closes the pull request of that number, as a person does.
func (f *Forge) Close(number int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if number < 1 || number > len(f.pulls) {
		return fmt.Errorf("forge: no pull request #%d", number)
	}
	f.pulls[number-1].Open = false
	return nil
}

// Merge marks the pull request of that number as merged. The branches stay as they are.
func (f *Forge) Merge(number int) error {
	if err := f.Close(number); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pulls[number-1].Merged = true
	return nil
}

// Pulls returns all pull requests by number, closed ones too.
func (f *Forge) Pulls() []ForgePull {
	f.mu.Lock()
	defer f.mu.Unlock()
	pulls := make([]ForgePull, len(f.pulls))
	for i, pull := range f.pulls {
		pulls[i] = *pull
		pulls[i].Labels, pulls[i].Reviewers = slices.Clone(pull.Labels), slices.Clone(pull.Reviewers)
		pulls[i].Assignees, pulls[i].Comments = slices.Clone(pull.Assignees), slices.Clone(pull.Comments)
	}
	return pulls
}

// Requests returns what was asked so far, in order.
func (f *Forge) Requests() []ForgeRequest {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.requests)
}

// ServeHTTP answers one request as the forge would.
func (f *Forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 64<<20))
	if err != nil {
		http.Error(w, "cannot read the request", http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	f.mu.Lock()
	f.requests = append(f.requests, ForgeRequest{r.Method, r.URL.Path, r.URL.RawQuery, string(body), r.UserAgent()})
	f.mu.Unlock()
	if f.Before != nil && f.Before(w, r) || !f.admits(w, r) {
		return
	}
	f.handler.ServeHTTP(w, r)
}

// pull returns the pull request that the path names, or nil.
func (f *Forge) pull(r *http.Request) *ForgePull {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || number < 1 || number > len(f.pulls) {
		return nil
	}
	return f.pulls[number-1]
}

// openOne returns the open pull request from head to base, or nil.
func (f *Forge) openOne(head, base string) *ForgePull {
	for _, pull := range f.pulls {
		if pull.Open && !pull.Fork && pull.Head == head && pull.Base == base {
			return pull
		}
	}
	return nil
}

// labelNumber returns the number of a label, 0 when the repository lacks it.
func (f *Forge) labelNumber(name string) int {
	return 1 + slices.IndexFunc(f.labels, func(other string) bool { return strings.EqualFold(other, name) })
}

// userNumber returns the number of a user, from 101 on, or 0.
func (f *Forge) userNumber(name string) int {
	if i := slices.IndexFunc(f.opts.Users, func(other string) bool { return strings.EqualFold(other, name) }); i >= 0 {
		return 101 + i
	}
	return 0
}

func (f *Forge) userNames(numbers []int) []string {
	var names []string
	for _, number := range numbers {
		if i := number - 101; i >= 0 && i < len(f.opts.Users) {
			names = append(names, f.opts.Users[i])
		}
	}
	return names
}

// page cuts one page out of all, by the two parameters of the query.
func page[T any](r *http.Request, all []T, sizeName string, size int) []T {
	if asked, err := strconv.Atoi(r.URL.Query().Get(sizeName)); err == nil && asked > 0 {
		size = min(asked, size)
	}
	number, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || number < 1 {
		number = 1
	}
	from := min((number-1)*size, len(all))
	return append([]T{}, all[from:min(from+size, len(all))]...)
}

func answerJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone needs no answer
}

// decodeJSON reads the body. A field that into does not have is refused, so that a
// test sees a misspelt one.
func decodeJSON(r *http.Request, into any) error {
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// Compare returns what head has that base does not, as a forge with this repository
// would tell it. Both are branches or commits.
func (r *GitRepo) Compare(base, head string) (ForgeComparison, error) {
	var found ForgeComparison
	log, err := r.Git("log", "--topo-order", "--format=%H%x00%P%x00%an%x00%B%x01", base+".."+head)
	if err != nil {
		return found, err
	}
	for entry := range strings.SplitSeq(log, "\x01") {
		parts := strings.Split(strings.TrimLeft(entry, "\n"), "\x00")
		if len(parts) != 4 {
			continue
		}
		commit := ForgeCommit{Hash: parts[0], Parents: strings.Fields(parts[1]), Author: parts[2], Message: parts[3]}
		names, err := r.Git("diff-tree", "--no-commit-id", "-r", "--name-only", commit.Hash)
		if err != nil {
			return found, err
		}
		commit.Files = strings.Fields(names)
		found.Commits = append(found.Commits, commit)
	}
	names, err := r.Git("diff", "--name-only", base+"..."+head)
	found.Files = strings.Fields(names)
	return found, err
}

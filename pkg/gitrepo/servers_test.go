package gitrepo_test

import (
	"bytes"
	"compress/zlib"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/files"
	"github.com/tagbump/tagbump/pkg/gitrepo"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// A site answers every request in one way.
func site(t *testing.T, status int, header map[string]string, body string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		_, _ = fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// What is at the other end of a URL, when it is not the git server that was meant, and
// what is wrong with the credentials: each with its kind, its words and its hint.
func TestAnswersOverHTTPAreNamedAsWhatTheyAre(t *testing.T) {
	t.Parallel()
	html := map[string]string{"Content-Type": "text/html; charset=utf-8"}
	text := map[string]string{"Content-Type": "text/plain"}
	const signIn = `<html><form><input type="password"></form></html>`
	tests := []struct {
		name   string
		status int
		header map[string]string
		body   string
		token  bool
		kind   fault.Kind
		want   string
		hint   string
	}{
		{
			"a wrong token", 401, text, "Bad credentials", true, fault.NoAccess,
			"401 Unauthorized: Bad credentials", `the server refused the token in MY_TOKEN (user "x-access-token")`,
		},
		{"no token", 401, text, "Log in", false, fault.NoAccess, "401 Unauthorized: Log in", "no token is set: TAGBUMP_TOKEN"},
		{
			"a token without the right", 403, text, "Write access to repository not granted.", true, fault.NoAccess,
			"403 Forbidden: Write access to repository not granted.",
			`the server does not let the token in MY_TOKEN (user "x-access-token") do this: the token may lack the right to write, or be for another repository`,
		},
		{"no token for a right", 403, text, "", false, fault.NoAccess, "403 Forbidden", "no token is set: TAGBUMP_TOKEN"},
		{"an archived repository", 403, text, "This repository was archived so it is read-only.", true, fault.Refused, "403 Forbidden: This repository was archived so it is read-only.", ""},
		{
			"a repository that is missing", 404, text, "", false, fault.NotFound, "no such repository (404 Not Found)",
			"a private repository looks like this to those who may not see it; the request used no token",
		},
		{
			"an expired token of Azure DevOps", 203, html, "<title>Sign In</title>", true, fault.NoAccess,
			"the server answers with a sign-in page (203 Non-Authoritative Information)", `the server refused the token in MY_TOKEN (user "x-access-token")`,
		},
		{
			"a page to log in", 200, html, signIn, true, fault.NoAccess,
			"the server answers with a sign-in page", `the server refused the token in MY_TOKEN (user "x-access-token")`,
		},
		{"a page to log in, without a token", 200, html, signIn, false, fault.NoAccess, "the server answers with a sign-in page", "no token is set: TAGBUMP_TOKEN"},
		{"a page of another kind", 200, html, "<h1>Welcome</h1>", true, fault.NotFound, "there is no git repository at this URL (it answers, but not as git does)", ""},
		{
			"a server of plain files", 200,
			map[string]string{"Content-Type": "application/octet-stream"},
			strings.Repeat("a1", 20) + "\trefs/heads/main\n", true, fault.Failed,
			"is served by a dumb http server, which can only be read, and not by all clients", "serve it with git http-backend, or give its ssh URL",
		},
		{
			"an empty repository of plain files", 200,
			map[string]string{"Content-Type": "text/plain"},
			"", true, fault.Failed,
			"is served by a dumb http server, which can only be read, and not by all clients", "serve it with git http-backend, or give its ssh URL",
		},
		{
			"http at a port for https", 400, text, "Client sent an HTTP request to an HTTPS server.", true, fault.Unavailable,
			"400 Bad Request: Client sent an HTTP request to an HTTPS server.", "write https:// in the URL",
		},
		{"a gateway without a server", 501, text, "no POST here", true, fault.Failed, "the server says: 501 Not Implemented: no POST here", ""},
	}
	for _, test := range tests {
		opts := gitrepo.Options{TokenSource: ""}
		if test.token {
			opts = gitrepo.Options{Token: "glpat-secret", TokenSource: "MY_TOKEN"}
		}
		r := must(gitrepo.Open(site(t, test.status, test.header, test.body)+"/acme/charts.git", opts))(t)
		_, err := r.Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
		if err == nil || err.Error() != r.String()+": main: "+test.want || fault.HintOf(err) != test.hint || fault.KindOf(err) != test.kind {
			t.Errorf("%s:\n got %v (%v)\n     hint %s\nwant …: %s (%v)\n     hint %s", test.name, err, fault.KindOf(err), fault.HintOf(err), test.want, test.kind, test.hint)
		}
	}
}

func TestATokenIsNeverSentOverARedirectToPlainHTTP(t *testing.T) {
	t.Parallel()
	plain := testenv.StartGit(t)
	repoOf(t, filepath.Join(plain.Root, "x.git"), chart)
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.RequestURI(), http.StatusFound)
	}))
	t.Cleanup(secure.Close)
	r := must(gitrepo.Open(secure.URL+"/x.git", gitrepo.Options{Token: plain.Token, CABundle: certificateOf(secure)}))(t)
	_, err := r.Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
	if !errors.Is(err, gitrepo.ErrUnavailable) || !strings.Contains(err.Error(), ": redirects from https to http://") {
		t.Errorf("got %v", err)
	}
	if got := plain.Requests(); len(got) != 0 {
		t.Errorf("the other server was asked %v", got)
	}
}

// Single sign-on redirects to a page that need not say what it is.
func TestARedirectToAPageIsASignIn(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/sso" {
			http.Redirect(w, r, "/sso?from=git", http.StatusFound)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprint(w, "<title>Acme</title>")
	}))
	t.Cleanup(s.Close)
	_, err := must(gitrepo.Open(s.URL+"/x.git", gitrepo.Options{Token: "glpat-secret"}))(t).Tip(t.Context(), "main")
	if !errors.Is(err, gitrepo.ErrAuth) || !strings.HasSuffix(err.Error(), ": the server answers with a sign-in page") {
		t.Errorf("got %v", err)
	}
}

func TestARedirectWithoutTheTokenNamesTheNewPlace(t *testing.T) {
	t.Parallel()
	there := testenv.StartGit(t)
	repoOf(t, filepath.Join(there.Root, "x.git"), chart)
	here := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, there.URL+r.URL.RequestURI(), http.StatusMovedPermanently)
	}))
	t.Cleanup(here.Close)
	r := must(gitrepo.Open(here.URL+"/x.git", gitrepo.Options{Token: there.Token, TokenSource: "MY_TOKEN"}))(t)
	_, err := r.Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
	want := r.String() + ": main: redirects to " + there.URL + "/x.git, which says: 401 Unauthorized: Authentication failed"
	const hint = `the token in MY_TOKEN (user "x-access-token") was not sent there; give that URL as the repository's`
	if err == nil || err.Error() != want || fault.HintOf(err) != hint {
		t.Errorf("\n got %v\n     %s\nwant %s\n     %s", err, fault.HintOf(err), want, hint)
	}
}

func TestTheWrongSchemeIsNamed(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(plain.Close)
	_, err := must(gitrepo.Open(strings.Replace(plain.URL, "http:", "https:", 1)+"/x.git", gitrepo.Options{}))(t).Tip(t.Context(), "main")
	if !errors.Is(err, gitrepo.ErrUnavailable) || !strings.HasSuffix(err.Error(), ": the server does not speak TLS at this port") {
		t.Errorf("https at a port for http: %v", err)
	}
}

// A log collects what a Repo tells.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, fmt.Sprintf(format, args...))
}

func TestWhatHooksSayAfterAPushIsPassedOn(t *testing.T) {
	for _, transport := range []string{"http", "ssh"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			p := places(t, chart)[transport](t)
			const hook = "#!/bin/sh\nprintf '\\nView merge request:\\n  https://git.example/mr/1\\033[31m\\n'\n"
			if err := p.repo.Hook("post-receive", hook); err != nil {
				t.Fatal(err)
			}
			var said lines
			p.opts.Progress = said.add
			r := open(t, p)
			must(r.Push(t.Context(), read(t, r, "main", "api/*"), commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})))(t)
			want := []string{r.String() + ": remote: View merge request:", r.String() + ": remote: https://git.example/mr/1[31m"}
			if !slices.Equal(said.all, want) {
				t.Errorf("said %q, want %q", said.all, want)
			}
		})
	}
}

// A server that hides its branches shows one as HEAD: it is not gone, and refusing a push
// to it is not a lost race.
func TestAHiddenBranchIsRefusedAndNotMoved(t *testing.T) {
	t.Parallel()
	p := places(t, chart)["http"](t)
	must(p.repo.Git("config", "transfer.hideRefs", "refs/heads"))(t)
	r := open(t, p)
	tree := read(t, r, "", "api/*")
	_, err := r.Push(t.Context(), tree, commitOf(map[string]string{"api/values.yaml": "tag: 2\n"}))
	if !errors.Is(err, gitrepo.ErrRefused) || !strings.HasSuffix(err.Error(), ": main: the push was refused: deny updating a hidden ref") {
		t.Errorf("got %v", err)
	}
}

func TestARepositoryThatBorrowsObjectsIsRead(t *testing.T) {
	t.Parallel()
	lender := repoOf(t, filepath.Join(t.TempDir(), "lender.git"), chart)
	dir := filepath.Join(t.TempDir(), "x.git")
	must(testenv.Git(filepath.Dir(dir), "clone", "-q", "--bare", "--shared", lender.Dir, dir))(t)
	repo := &testenv.GitRepo{Dir: dir}
	r := open(t, place{repo, dir, gitrepo.Options{}})
	hash := must(r.Push(t.Context(), read(t, r, "main", "api/*"), commitOf(map[string]string{"api/values.yaml": "tag: 2\n"})))(t)
	if tip := must(repo.Tip("main"))(t); tip != hash {
		t.Errorf("main is at %s, want %s", tip, hash)
	}
	if err := repo.Fsck(); err != nil {
		t.Error(err)
	}
}

// A loose object of a few kB can unpack to gigabytes, whatever its header says.
func TestALooseObjectIsReadOnlyAsFarAsItSays(t *testing.T) {
	t.Parallel()
	repo := repoOf(t, filepath.Join(t.TempDir(), "x.git"), nil)
	tip := must(repo.Commit("main", "first", map[string]string{"a.yaml": "tag: 1\n"}))(t)
	must(repo.Git("-c", "transfer.unpackLimit=1000", "repack", "-adq"))(t)
	pack := must(filepath.Glob(filepath.Join(repo.Dir, "objects/pack/*")))(t)
	id := strings.TrimSpace(must(repo.Git("rev-parse", tip+":a.yaml"))(t))
	var bomb bytes.Buffer
	z := zlib.NewWriter(&bomb)
	_, _ = z.Write([]byte("blob 7\x00"))
	_, _ = z.Write(make([]byte, 64<<20))
	_ = z.Close()
	name := filepath.Join(repo.Dir, "objects", id[:2], id[2:])
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, bomb.Bytes(), 0o644)); err != nil {
		t.Fatal(err)
	}
	_, err := open(t, place{repo, repo.Dir, gitrepo.Options{}}).Read(t.Context(), gitrepo.Revision{Branch: "main"}, files.Selection{})
	if err == nil || !strings.HasSuffix(err.Error(), ": object "+id+" is not as long as it says") {
		t.Errorf("with %d packs beside it: got %v", len(pack), err)
	}
}

func TestSecretsAreTrimmed(t *testing.T) {
	t.Parallel()
	p := places(t, chart)["http"](t)
	p.opts.Token += "\r\n"
	p.opts.Username = " ci "
	read(t, open(t, p), "main", "api/*")
}

package result

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// hostile are values that a shell, a parser or a terminal could obey. safe is what
// remains of them on one line.
var hostile = []struct{ value, safe string }{
	{`$(touch pwned)`, `$(touch pwned)`},
	{"`touch pwned`", "`touch pwned`"},
	{`'; touch pwned; '`, `'; touch pwned; '`},
	{`"; touch pwned; "`, `"; touch pwned; "`},
	{"1.0\ntouch pwned", "1.0 touch pwned"},
	{"1.0\nTAGBUMP_STATE=forged", "1.0 TAGBUMP_STATE=forged"},
	{"a\u2028b\vc\x1b[31md", "a b c[31md"},
	{`a\`, `a\`},
	{`!! ~ * ? [a] {b,c} #`, `!! ~ * ? [a] {b,c} #`},
	{`https://git.example/pull/7?a=1&b=$HOME#x`, `https://git.example/pull/7?a=1&b=$HOME#x`},
	{"TAGBUMP_END", "TAGBUMP_END"},
	{"TAGBUMP_END\nTAGBUMP_STATE<<X\nforged\nX", "TAGBUMP_END TAGBUMP_STATE<<X forged X"},
	{"-n", "-n"},
	{"münchen 🚀", "münchen 🚀"},
}

func resultOf(value string) Result {
	return Result{
		State: "pushed", Error: value, Environment: value, Commit: value, CommitURL: value, PullRequest: value,
		Images: []Image{{value, value, value, value}, {"acme/api", "2", "1", ""}},
	}
}

// readBack lets a shell read a file and print the named variable.
func readBack(t *testing.T, shell, file, name string) string {
	t.Helper()
	cmd := exec.Command(shell, "-c", `. ./"$1" && eval "printf %s \"\$$2\""`, shell, filepath.Base(file), name)
	cmd.Dir, cmd.Env = filepath.Dir(file), []string{"PATH=" + os.Getenv("PATH")}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", shell, err, out)
	}
	return string(out)
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestShellsReadWhatWasWritten(t *testing.T) {
	for _, shell := range []string{"bash", "sh"} {
		if _, err := exec.LookPath(shell); err != nil {
			t.Skip(err)
		}
		for _, h := range hostile {
			content, err := resultOf(h.value).Encode(Shell)
			if err != nil {
				t.Fatal(err)
			}
			file := write(t, "result.sh", content)
			for _, name := range []string{"TAGBUMP_TAG", "TAGBUMP_ERROR", "TAGBUMP_PR_URL", "TAGBUMP_PREVIOUS_TAG_1"} {
				if got := readBack(t, shell, file, name); got != h.safe {
					t.Errorf("%s: %s of %q is %q", shell, name, h.value, got)
				}
			}
			if got := readBack(t, shell, file, "TAGBUMP_STATE"); got != "pushed" {
				t.Errorf("%s: after %q the state is %q", shell, h.value, got)
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), "pwned")); err == nil {
				t.Errorf("%s obeyed %q", shell, h.value)
			}
		}
	}
}

func TestNoShellObeysADotenvFile(t *testing.T) {
	for _, h := range hostile {
		content, err := resultOf(h.value).Encode(Dotenv)
		if err != nil {
			t.Fatal(err)
		}
		file := write(t, "result.env", content)
		if got := readBack(t, "sh", file, "TAGBUMP_STATE"); got != "pushed" {
			t.Errorf("after %q the state is %q", h.value, got)
		}
		if _, err := os.Stat(filepath.Join(filepath.Dir(file), "pwned")); err == nil {
			t.Errorf("sh obeyed %q", h.value)
		}
	}
}

func TestDotenvFitsIntoGitLab(t *testing.T) {
	large := Result{State: "pushed", Changed: true, Error: "no", Commit: strings.Repeat("a", 40), CommitURL: "https://gitlab.example/" + strings.Repeat("g/", 400)}
	for i := range 200 {
		large.Images = append(large.Images, Image{Name: fmt.Sprintf("registry.example/team/image-%d", i), Tag: "1.2.3"})
	}
	content, err := large.Encode(Dotenv)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{}
	for line := range strings.Lines(string(content)) {
		name, value, found := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !found || name == "" || seen[name] != "" {
			t.Errorf("GitLab does not take the line %q", line)
		}
		seen[name] = value
	}
	if len(content) > dotenvSize || len(seen) > dotenvVariables {
		t.Errorf("%d bytes, %d variables", len(content), len(seen))
	}
	if seen["TAGBUMP_RESULT_COMMIT"] != large.Commit || seen["TAGBUMP_CHANGED"] != "true" || seen["TAGBUMP_IMAGE_COUNT"] != "200" {
		t.Errorf("variables are missing:\n%s", content)
	}
	if _, found := seen["TAGBUMP_ERROR"]; found || seen["TAGBUMP_IMAGES"] != "" {
		t.Errorf("what does not fit is in it:\n%s", content)
	}
}

func TestDotenvOfTwoImages(t *testing.T) {
	content, err := Result{State: "pushed", Images: []Image{{Name: "acme/web", Tag: "1"}, {Name: "acme/api", Tag: "2"}}}.Encode(Dotenv)
	want := `TAGBUMP_STATE=pushed
TAGBUMP_CHANGED=false
TAGBUMP_CODE=0
TAGBUMP_KIND=
TAGBUMP_ENVIRONMENT=
TAGBUMP_IMAGE=acme/web
TAGBUMP_TAG=1
TAGBUMP_PREVIOUS_TAG=
TAGBUMP_DIGEST=
TAGBUMP_COMMIT=
TAGBUMP_COMMIT_URL=
TAGBUMP_PR_URL=
TAGBUMP_PR_NUMBER=
TAGBUMP_IMAGE_COUNT=2
TAGBUMP_IMAGES=acme/web:1,acme/api:2
TAGBUMP_RESULT_TAG=1
TAGBUMP_RESULT_COMMIT=
`
	if err != nil || string(content) != want {
		t.Errorf("%v\n%s", err, content)
	}
}

// parseGitHub reads a file as GitHub's runner does: NAME=VALUE, or NAME<<END, lines
// and END, whichever of "=" and "<<" comes first.
// https://github.com/actions/runner/blob/main/src/Runner.Worker/FileCommandManager.cs
func parseGitHub(t *testing.T, content string) map[string]string {
	t.Helper()
	all := map[string]string{}
	rest := strings.Split(strings.TrimSuffix(content, "\n"), "\n")
	for len(rest) > 0 {
		line := rest[0]
		rest = rest[1:]
		equals, heredoc := strings.Index(line, "="), strings.Index(line, "<<")
		if equals >= 0 && (heredoc < 0 || equals < heredoc) {
			all[line[:equals]] = line[equals+1:]
			continue
		}
		if heredoc < 1 {
			t.Fatalf("the runner refuses %q", line)
		}
		name, end := line[:heredoc], line[heredoc+2:]
		var value []string
		for len(rest) > 0 && rest[0] != end {
			value, rest = append(value, rest[0]), rest[1:]
		}
		if len(rest) == 0 || end == "" {
			t.Fatalf("the runner finds no end of %s", name)
		}
		rest = rest[1:]
		if _, twice := all[name]; twice {
			t.Errorf("%s is set twice", name)
		}
		all[name] = strings.Join(value, "\n")
	}
	return all
}

func TestGitHubReadsWhatWasWritten(t *testing.T) {
	for _, h := range hostile {
		r := resultOf(h.value)
		content, err := r.Encode(GitHub)
		if err != nil {
			t.Fatal(err)
		}
		got := parseGitHub(t, string(content))
		if got["TAGBUMP_TAG"] != h.safe || got["TAGBUMP_STATE"] != "pushed" || len(got) != len(r.Variables()) {
			t.Errorf("%q is read as %q, state %q, %d variables", h.value, got["TAGBUMP_TAG"], got["TAGBUMP_STATE"], len(got))
		}
		if end, _, _ := strings.Cut(strings.SplitN(string(content), "<<", 2)[1], "\n"); strings.Contains(h.value, end) {
			t.Errorf("%q holds the end %q", h.value, end)
		}
	}
}

func TestJSONIsNoFormatOfVariables(t *testing.T) {
	if _, err := pushed.Encode(JSON); err == nil || err.Error() != `"json" is not a format of variables` {
		t.Error(err)
	}
}

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]Format{
		"result.json": JSON, "a/b.JSON": JSON, "build.env": Dotenv, ".env": Dotenv, "r.sh": Shell, `C:\tmp\r.bash`: Shell,
		"result": "", "values.yaml": "", "a.json/b": "",
	} {
		if got := FormatOf(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestIsOurs(t *testing.T) {
	for _, format := range []Format{Shell, Dotenv, GitHub} {
		content, err := pushed.Encode(format)
		if err != nil || !IsOurs(format, content) {
			t.Errorf("%s: its own file is foreign (%v)", format, err)
		}
	}
	for _, c := range []struct {
		format  Format
		content string
		want    bool
	}{
		{JSON, "{\n  \"schema\": 1,\n", true},
		{JSON, `{"replicas": 3}`, false},
		{JSON, "[]", false},
		{JSON, " \n", true},
		{Shell, "#!/bin/sh\n", false},
		{Dotenv, "DATABASE_URL=x\n", false},
		{Dotenv, "", true},
		{GitHub, "other=1\n", true},
	} {
		if got := IsOurs(c.format, []byte(c.content)); got != c.want {
			t.Errorf("%s: %q: %v", c.format, c.content, got)
		}
	}
}

func FuzzEncode(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		r := resultOf(value)
		want := r.Variables()
		content, err := r.Encode(GitHub)
		if err != nil {
			t.Fatal(err)
		}
		got := parseGitHub(t, string(content))
		for _, one := range want {
			if got[one.Name] != one.Value {
				t.Errorf("%s is %q, want %q", one.Name, got[one.Name], one.Value)
			}
		}
		for _, format := range []Format{Shell, Dotenv} {
			content, err := r.Encode(format)
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(content, []byte("\n")); n > len(want) {
				t.Errorf("%s: %d lines for %d variables", format, n, len(want))
			}
		}
	})
}

package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/redact"
	"github.com/tagbump/tagbump/pkg/wire"
)

// TestNoVariableOfASecretIsShown gives each variable a value that an error repeats.
func TestNoVariableOfASecretIsShown(t *testing.T) {
	names := wire.SecretVariables()
	if len(names) < 10 {
		t.Fatalf("only %q hold secrets", names)
	}
	for _, name := range names {
		const secret = "s3cr3t-of-this-run"
		for _, format := range []string{"text", "json"} {
			env := map[string]string{name: secret}
			code, stdout, stderr := runOffline(t, env, "update", "acme/web:1.4.0", "--on-stale", secret, "-o", format)
			if code != 2 || strings.Contains(stdout+stderr, secret) || !strings.Contains(stderr, redact.Mask) {
				t.Errorf("%s (%s): code %d\n%s%s", name, format, code, stdout, stderr)
			}
		}
	}
}

func TestASecretThatJSONSpellsOtherwiseIsMasked(t *testing.T) {
	const secret = `p<&"ss>word`
	_, stdout, _ := runOffline(t, map[string]string{"TAGBUMP_TOKEN": secret}, "update", "acme/web:1.4.0", "--on-stale", secret, "-o", "json")
	if strings.Contains(stdout, "ss>word") || strings.Contains(stdout, "ssword") || !strings.Contains(stdout, redact.Mask) {
		t.Errorf("got %s", stdout)
	}
}

func TestNothingATerminalObeysIsPrinted(t *testing.T) {
	_, stdout, stderr := runOffline(t, nil, "update", "acme/web:1.4.0", "--output", "x\x1b[31m\x1b]0;title\x07\u202e\u009b")
	if got := stdout + stderr; strings.ContainsAny(got, "\x1b\x07\u202e\u009b") {
		t.Errorf("got %q", got)
	}
}

func TestADiffMasksWhatItAddsAndNothingElse(t *testing.T) {
	secrets := redact.NewSecrets("hunter2hunter2")
	const before = `diff --git a/values.yaml b/values.yaml
--- a/values.yaml
+++ b/values.yaml
@@ -1,5 +1,5 @@
 bucket: s3://profile@acme-data
 password: hunter2hunter2
-tag: hunter2hunter2 # http://u@h
+tag: hunter2hunter2 # http://u@h
--- a: hunter2hunter2
+++ b: hunter2hunter2
@@ -9 +9 @@
-x
+hunter2hunter2
\ No newline at end of file
diff --git a/b.yaml b/b.yaml
--- a/b.yaml
+++ b/b.yaml
@@ -1 +1 @@
-a
+b
`
	want := strings.NewReplacer(
		"+tag: hunter2hunter2 # http://u@h", "+tag: REDACTED # http://u@h",
		"+++ b: hunter2hunter2", "+++ b: REDACTED",
		"+hunter2hunter2", "+REDACTED",
	).Replace(before)
	if got := maskAdded(before, secrets); got != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
}

func TestAnAnswerWithASecretIsRefusedAndNotChanged(t *testing.T) {
	var out bytes.Buffer
	env := Env{Stdout: &out, Getenv: func(string) string { return "" }}.guarded()
	env.learn("ci", "hunter2hunter2")
	if err := env.printAnswer("1.4.0\tsha256:0\n"); err != nil || out.String() != "1.4.0\tsha256:0\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	out.Reset()
	if err := env.printAnswer("hunter2hunter2\n"); err == nil || out.String() != "" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

// TestStdoutShowsNoSecret puts a secret where a tag was, which the summary and the JSON
// tell of.
func TestStdoutShowsNoSecret(t *testing.T) {
	const secret = "s3cr3t-0123456789"
	for _, format := range []string{"text", "json"} {
		dir := t.TempDir()
		before := "image:\n  repository: acme/web\n  tag: " + secret + "\n"
		if err := os.WriteFile(filepath.Join(dir, "values.yaml"), []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		var stdout, stderr bytes.Buffer
		code := Run(context.Background(), Env{
			Args:   []string{"update", "acme/web:2.0.0", "--no-verify", "--repo", dir, "-o", format},
			Stdin:  strings.NewReader(""),
			Stdout: &stdout, Stderr: &stderr,
			Getenv: func(name string) string { return map[string]string{"GITLAB_TOKEN": secret}[name] },
			Now:    time.Now,
		})
		if code != exitDone || !strings.Contains(stdout.String(), "2.0.0") || !strings.Contains(stdout.String(), "REDACTED") {
			t.Errorf("%s: exit code %d\nstdout: %s\nstderr: %s", format, code, &stdout, &stderr)
		}
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			t.Errorf("%s: the secret is in\n%s%s", format, &stdout, &stderr)
		}
	}
}

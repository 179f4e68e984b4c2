package cli

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func init() { completionTime, nearTime = time.Minute, time.Minute }

// TestCompletion asks as the shells' scripts do.
func TestCompletion(t *testing.T) {
	w := newWrongWorld(t)
	const none = ":4\n"
	for line, want := range map[string]string{
		"update --env ''":               "production\nstaging\n:4\n",
		"promote --from s":              "staging\n:4\n",
		"promote --to ''":               "production\nstaging\n:4\n",
		"rollback --to ''":              ":0\n",
		"update $REG/acme/web:1.4":      "$REG/acme/web:1.4.0\n$REG/acme/web:1.4.1\n:4\n",
		"resolve $REG/h":                "$REG/haoict/send2ereader\n:4\n",
		"status ''":                     "$REG/acme/web\n$REG/haoict/send2ereader\n:4\n",
		"update --config gone --env ''": none,
		"update --on-stale s":           "fail\nskip\nallow\n:4\n",
		"update $REG/acme/nope:1":       none,
		"update --branch ''":            none, // of a folder

		"update --repo $GIT/charts.git --branch ''":          "develop\nmain\nrelease/1.4\n:4\n",
		"update --repo $GIT/charts.git --pr --base release/": "release/1.4\n:4\n",
		"update --repo $GIT/charts.git --branch 'main x'":    none,
		"update --repo $GIT/gone.git --branch ''":            none,

		"update --file charts/web/":                                     "charts/web/values-production.yaml\ncharts/web/values-staging.yaml\n:4\n",
		"update --file nowhere/":                                        none,
		"update --path image":                                           "image.tag\n:4\n",
		"update --repo gone --path ''":                                  none,
		"update --file charts/web/values-staging.yaml --path ''":        "image.tag\n:4\n",
		"update --repo $GIT/charts.git --file send":                     "send2ereader/templates/deployment.yaml\n:4\n",
		"update --repo $GIT/charts.git --branch nope --file send":       none,
		"update --repo $GIT/charts.git --file send2ereader/** --path s": "spec.template.spec.containers[name=send2ereader].image\n:4\n",
	} {
		for _, word := range []string{"__complete", "__completeNoDesc"} {
			var out, errs bytes.Buffer
			code := Run(context.Background(), Env{
				Args: append([]string{word}, words(w.forward.Replace(line))...), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs,
				Dir: w.dir, Getenv: func(name string) string { return w.env[name] }, Now: time.Now,
			})
			if got := w.back.Replace(out.String()); code != 0 || got != want {
				t.Errorf("%s %s: code %d\n%swant\n%s", word, line, code, got, want)
			}
		}
	}
}

func TestCompletionScripts(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		code, script, errs := runFor(t, Env{}, "completion", shell)
		if code != 0 || errs != "" || !strings.Contains(script, "tagbump") {
			t.Errorf("%s: code %d, %d bytes, %s", shell, code, len(script), errs)
		}
		if shell != "bash" {
			continue
		}
		bash := exec.Command("bash", "--norc", "-c", script+"\ncomplete -p tagbump")
		if out, err := bash.CombinedOutput(); err != nil || !strings.Contains(string(out), "__start_tagbump") {
			t.Errorf("bash: %v\n%s", err, out)
		}
	}
}

package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// releaseArchive returns the archive of a release for this system: the one in
// TAGBUMP_DIST, as make snapshot writes it, else one around a fresh build.
var releaseArchive = sync.OnceValues(func() ([]byte, error) {
	if dist := os.Getenv("TAGBUMP_DIST"); dist != "" {
		names, err := filepath.Glob(filepath.Join(dist, "tagbump_*_"+runtime.GOOS+"_"+runtime.GOARCH+".tar.gz"))
		if err != nil || len(names) != 1 {
			return nil, fmt.Errorf("%s: %v, %w", dist, names, err)
		}
		return os.ReadFile(names[0])
	}
	dir, err := os.MkdirTemp("", "orb-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-ldflags=-s -w", "-o", filepath.Join(dir, "tagbump"), "../../../cmd/tagbump")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, text)
	}
	program, err := os.ReadFile(filepath.Join(dir, "tagbump"))
	if err != nil {
		return nil, err
	}
	return archiveOf(program)
})

func archiveOf(program []byte) ([]byte, error) {
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	w := tar.NewWriter(zip)
	if err := w.WriteHeader(&tar.Header{Name: "tagbump", Mode: 0o755, Size: int64(len(program))}); err != nil {
		return nil, err
	}
	if _, err := w.Write(program); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	err := zip.Close()
	return out.Bytes(), err
}

const version = "1.2.3"

// A job is a machine of CircleCI's for one job: a home, an environment, and steps
// that run in it one after the other.
type job struct {
	t       *testing.T
	shell   []string
	home    string
	bashEnv string
	path    string
	env     map[string]string // of the job: project, context
	markers string            // the file that has what "circleci run release" was given
}

// agent is the part of CircleCI's own command that the scripts use.
const agent = `#!/bin/sh
case "$1 $2" in
"env subst") eval "printf '%s' \"$3\"" ;;
"run release") shift 2; echo "$*" >> MARKERS ;;
*) exit 64 ;;
esac
`

func newJob(t *testing.T) *job {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the orb's scripts are for a POSIX shell")
	}
	dir := t.TempDir()
	j := &job{t: t, shell: []string{"bash", "-eo", "pipefail"}, home: filepath.Join(dir, "home"), bashEnv: filepath.Join(dir, "bash_env"), markers: filepath.Join(dir, "markers"), env: map[string]string{}}
	bin := filepath.Join(dir, "bin")
	j.path = bin + ":/usr/local/bin:/usr/bin:/bin"
	for _, folder := range []string{bin, j.home} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	j.write(filepath.Join(bin, "circleci"), strings.ReplaceAll(agent, "MARKERS", j.markers), 0o755)
	j.write(j.bashEnv, "", 0o644)
	return j
}

func (j *job) write(name, text string, mode os.FileMode) {
	j.t.Helper()
	if err := os.WriteFile(name, []byte(text), mode); err != nil {
		j.t.Fatal(err)
	}
}

// run runs a script as CircleCI runs a step: in a new shell, which reads $BASH_ENV.
func (j *job) run(script string, env map[string]string) (output string, code int) {
	j.t.Helper()
	file := filepath.Join(j.t.TempDir(), "step.sh")
	j.write(file, script, 0o644)
	cmd := exec.Command(j.shell[0], append(j.shell[1:], file)...)
	cmd.Dir = j.home
	cmd.Env = []string{"HOME=" + j.home, "PATH=" + j.path, "BASH_ENV=" + j.bashEnv, "CI=true", "CIRCLECI=true", "TMPDIR=" + j.t.TempDir()}
	for _, all := range []map[string]string{j.env, env} {
		for name, value := range all {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState == nil {
		j.t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// command runs the shell of one of the orb's commands with parameters; those that are
// not given have their defaults.
func (j *job) command(name string, parameters map[string]string) (output string, code int) {
	j.t.Helper()
	for _, step := range packed(j.t).Commands[name].Steps {
		var s struct {
			Run *struct {
				Command     string
				Environment map[string]string
			}
		}
		if step.Decode(&s) != nil || s.Run == nil {
			continue
		}
		env := map[string]string{}
		for variable, value := range s.Run.Environment {
			env[variable] = parameterValue(j.t, name, value, parameters)
		}
		return j.run(strings.ReplaceAll(s.Run.Command, `\<<`, "<<"), env)
	}
	j.t.Fatalf("the command %s has no run", name)
	return "", 0
}

// parameterValue replaces "<< parameters.x >>" and "<< pipeline.number >>", as CircleCI does.
func parameterValue(t *testing.T, command, value string, given map[string]string) string {
	t.Helper()
	if value == "<< pipeline.number >>" {
		return "41"
	}
	name, isParameter := strings.CutPrefix(strings.TrimSuffix(value, " >>"), "<< parameters.")
	if !isParameter {
		return value
	}
	if value, found := given[name]; found {
		return value
	}
	definition, found := packed(t).Commands[command].Parameters[name]
	if !found {
		t.Fatalf("%s has no parameter %s", command, name)
	}
	var p struct{ Default yaml.Node }
	if err := definition.Decode(&p); err != nil {
		t.Fatal(err)
	}
	return p.Default.Value
}

// downloads serves a release. It returns the parameters that install it.
func downloads(t *testing.T) map[string]string {
	t.Helper()
	archive, err := releaseArchive()
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("tagbump_%s_%s_%s.tar.gz", version, runtime.GOOS, runtime.GOARCH)
	sums := fmt.Sprintf("%x  %s\n", sha256.Sum256(archive), name)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v" + version + "/" + name:
			_, _ = w.Write(archive)
		case "/v" + version + "/checksums.txt":
			_, _ = w.Write([]byte(sums))
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return map[string]string{"version": version, "download_url": server.URL, "checksums_sha256": fmt.Sprintf("%x", sha256.Sum256([]byte(sums)))}
}

// program is the tagbump of the release, unpacked once.
var program = sync.OnceValues(func() (path string, err error) {
	archive, err := releaseArchive()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "orb-test-")
	if err != nil {
		return "", err
	}
	unpack := exec.Command("tar", "-xz", "-C", dir, "tagbump")
	unpack.Stdin = bytes.NewReader(archive)
	return filepath.Join(dir, "tagbump"), unpack.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := program(); err == nil {
		_ = os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// install puts tagbump into PATH, as the command install does.
func (j *job) install() {
	j.t.Helper()
	path, err := program()
	if err != nil {
		j.t.Fatal(err)
	}
	bin, _, _ := strings.Cut(j.path, ":")
	if err := os.Symlink(path, filepath.Join(bin, "tagbump")); err != nil {
		j.t.Fatal(err)
	}
}

// a bed has a registry with two tags and a GitOps repository that deploys the older one.
type bed struct {
	image string
	repo  *testenv.GitRepo
	url   string
	token string
}

func newBed(t *testing.T) bed {
	t.Helper()
	registry, err := testenv.NewRegistry(testenv.RegistryOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	for _, tag := range []string{"master-202406121130", "master-202406151230"} {
		if _, err := registry.Push("haoict/send2ereader", testenv.Image{}, tag); err != nil {
			t.Fatal(err)
		}
	}
	image := registry.Host + "/haoict/send2ereader"
	git := testenv.StartGit(t)
	repo := testenv.MustRepo(t, filepath.Join(git.Root, "helm-charts.git"), map[string]string{
		".tagbump.yaml": `images:
  ` + image + `:
    match: ^master-(?P<stamp>\d{12})$
    extract: $stamp
    order: numerical
environments:
  staging:
    files: [send2ereader/values-staging.yaml]
  production:
    files: [send2ereader/values.yaml]
    from: staging
    argocd: {application: send2ereader}
`,
		"send2ereader/Chart.yaml":          "apiVersion: v2\nname: send2ereader\nversion: 0.1.0\n",
		"send2ereader/values.yaml":         "image:\n  repository: " + image + "\n  tag: master-202406121130 # set by CI\n",
		"send2ereader/values-staging.yaml": "image:\n  repository: " + image + "\n  tag: master-202406151230\n",
	})
	return bed{image, repo, git.RepoURL("helm-charts.git"), git.Token}
}

func (b bed) deployed(t *testing.T) string {
	t.Helper()
	text, err := b.repo.File("main", "send2ereader/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(text, "tag: ")
	tag, _, _ := strings.Cut(after, " ")
	return tag
}

func TestInstall(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(j *job, parameters map[string]string)
		said   string
		code   int
	}{
		{"with a checksum", func(*job, map[string]string) {}, "tagbump ", 0},
		{"without one", func(_ *job, p map[string]string) { p["checksums_sha256"] = "" }, "tagbump ", 0},
		{"with an empty home", func(j *job, _ map[string]string) { j.env["HOME"] = "" }, "tagbump ", 0},
		{"with a wrong checksum", func(_ *job, p map[string]string) { p["checksums_sha256"] = strings.Repeat("0", 64) }, "tagbump: checksums.txt of 1.2.3 does not have the SHA-256 " + strings.Repeat("0", 64) + ": not installed", 1},
		{"with a changed archive in the cache", func(j *job, _ map[string]string) {
			cache := filepath.Join(j.home, ".cache", "tagbump", version)
			if err := os.MkdirAll(cache, 0o755); err != nil {
				j.t.Fatal(err)
			}
			j.write(filepath.Join(cache, fmt.Sprintf("tagbump_%s_%s_%s.tar.gz", version, runtime.GOOS, runtime.GOARCH)), "evil", 0o644)
		}, ": not installed", 1},
		{"in a read-only home", func(j *job, _ map[string]string) { j.env["HOME"] = "/proc" }, "tagbump ", 0},
		{"of a version that does not exist", func(_ *job, p map[string]string) { p["version"] = "9.9.9" }, "tagbump: cannot download", 1},
		{"of no version", func(_ *job, p map[string]string) { p["version"] = "" }, "tagbump: the parameter version is empty", 1},
		{"with wget alone", func(j *job, _ map[string]string) { j.path = toolsWithout(j, "curl") }, "tagbump ", 0},
		{"with neither curl nor wget", func(j *job, _ map[string]string) { j.path = toolsWithout(j, "curl", "wget") }, "tagbump: neither curl nor wget is there to download", 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			j, parameters := newJob(t), downloads(t)
			test.change(j, parameters)
			output, code := j.command("install", parameters)
			if code != test.code || !strings.Contains(output, test.said) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, test.code, test.said, output)
			}
			if _, code := j.run("tagbump version", nil); (code == 0) != (test.code == 0) {
				t.Errorf("the next step runs tagbump with exit %d", code)
			}
		})
	}
}

// toolsWithout returns a PATH that has the few programs that the scripts use, without some.
func toolsWithout(j *job, without ...string) string {
	j.t.Helper()
	dir := j.t.TempDir()
	for _, tool := range []string{"bash", "sh", "awk", "cut", "sha256sum", "mkdir", "rm", "tar", "gzip", "uname", "curl", "wget", "mktemp"} {
		if strings.Contains(" "+strings.Join(without, " ")+" ", " "+tool+" ") {
			continue
		}
		path, err := exec.LookPath(tool)
		if err != nil {
			j.t.Skip(tool + " is not installed")
		}
		if err := os.Symlink(path, filepath.Join(dir, tool)); err != nil {
			j.t.Fatal(err)
		}
	}
	return dir
}

func TestCommandsRun(t *testing.T) {
	const newest, older = "master-202406151230", "master-202406121130"
	for _, test := range []struct {
		name, command string
		parameters    map[string]string
		env           map[string]string
		code          int
		said          string
		deployed      string
		markers       string
	}{
		{"update", "update", map[string]string{"images": "IMAGE:${TAG}", "env": "production"}, nil, 0, newest, newest, ""},
		{"update by the policy", "update", map[string]string{"images": "IMAGE", "env": "production"}, nil, 0, newest, newest, ""},
		{
			"update with a deploy marker", "update",
			map[string]string{"images": "IMAGE:${TAG}", "env": "production", "component_name": "send2ereader", "environment_name": "prod"},
			nil, 0, newest, newest,
			"plan send2ereader --environment-name=prod --component-name=send2ereader --target-version=" + newest + "\nupdate send2ereader --status=SUCCESS\n",
		},
		{"a tag that the policy does not allow is skipped", "update", map[string]string{"images": "IMAGE:feature-1", "env": "production", "on_mismatch": "skip"}, nil, 0, "", older, ""},
		{"a tag that the policy does not allow", "update", map[string]string{"images": "IMAGE:feature-1", "env": "production"}, nil, 4, "feature-1", older, ""},
		{"a variable that is not set", "update", map[string]string{"images": "IMAGE:${TAG}", "env": "production", "token": "ACME_TOKEN"}, nil, 1, "tagbump: the variable ACME_TOKEN, which the parameter token names, is empty", older, ""},
		{"a token in the place of its name", "update", map[string]string{"images": "IMAGE:${TAG}", "env": "production", "token": "$(id)"}, nil, 1, "is the name of a variable, and never the token itself", older, ""},
		{"a token in another variable", "update", map[string]string{"images": "IMAGE:${TAG}", "env": "production", "token": "ACME_TOKEN"}, map[string]string{"ACME_TOKEN": "TOKEN", "TAGBUMP_TOKEN": ""}, 0, newest, newest, ""},
		{"further arguments", "update", map[string]string{"images": "IMAGE:${TAG}", "env": "production", "args": "--dry-run --verbose"}, nil, 0, "+  tag: " + newest, older, ""},
		{"a glob", "update", map[string]string{"images": "IMAGE:${TAG}", "file": "*/values.yaml"}, nil, 0, newest, newest, ""},
		{"an unset pipeline value", "update", map[string]string{"images": "IMAGE:${TAG}", "env": "production", "branch": "<nil>"}, nil, 0, newest, newest, ""},
		{"promote", "promote", map[string]string{"images": "IMAGE", "from": "staging", "to": "production"}, nil, 0, newest, newest, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			j, b := newJob(t), newBed(t)
			j.install()
			j.env["TAGBUMP_TOKEN"] = b.token
			for name, value := range test.env {
				j.env[name] = strings.ReplaceAll(value, "TOKEN", b.token)
			}
			if _, code := j.run("echo 'export TAG="+newest+"' >> $BASH_ENV", nil); code != 0 {
				t.Fatal(code)
			}
			parameters := map[string]string{"repo": b.url}
			for name, value := range test.parameters {
				parameters[name] = strings.ReplaceAll(value, "IMAGE", b.image)
			}
			output, code := j.command(test.command, parameters)
			if code != test.code || !strings.Contains(output, test.said) {
				t.Errorf("exit %d, want %d and %q:\n%s", code, test.code, test.said, output)
			}
			if got := b.deployed(t); got != test.deployed {
				t.Errorf("deployed is %s, want %s", got, test.deployed)
			}
			if got, _ := os.ReadFile(j.markers); string(got) != test.markers {
				t.Errorf("markers:\n%s\nwant:\n%s", got, test.markers)
			}
			if strings.Contains(output, b.token) {
				t.Errorf("the token is shown:\n%s", output)
			}
		})
	}
}

// TestResultIsThereForTheNextStep holds that a step after an update has its variables,
// and that a second update changes nothing.
func TestResultIsThereForTheNextStep(t *testing.T) {
	j, b := newJob(t), newBed(t)
	j.install()
	j.env["TAGBUMP_TOKEN"] = b.token
	parameters := map[string]string{"repo": b.url, "images": b.image, "env": "production"}
	if output, code := j.command("update", parameters); code != 0 {
		t.Fatalf("exit %d\n%s", code, output)
	}
	tip, err := b.repo.Tip("main")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := j.run(`echo "$TAGBUMP_TAG $TAGBUMP_COMMIT"`, nil); got != "master-202406151230 "+tip+"\n" {
		t.Errorf("the next step has %q, want the tag and %s", got, tip)
	}
	log, err := b.repo.Git("log", "-1", "--format=%B", "main")
	if err != nil || !strings.Contains(log, "41") {
		t.Errorf("the pipeline's number is not in the commit: %v\n%s", err, log)
	}
	if output, code := j.command("update", parameters); code != 0 {
		t.Errorf("again: exit %d\n%s", code, output)
	}
	if again, err := b.repo.Tip("main"); err != nil || again != tip {
		t.Errorf("again: the branch is at %s, want %s (%v)", again, tip, err)
	}
}

// TestAWholeDay runs every command that reads or takes back, one job after the other:
// status, update, wait, rollback, and an update that the rollback forbids.
func TestAWholeDay(t *testing.T) {
	const newest, older = "master-202406151230", "master-202406121130"
	b := newBed(t)
	argocd := testenv.NewArgoCD("argo-token")
	host, stop, err := argocd.Listen()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = stop() })
	if err := argocd.Add(testenv.ArgoCDApp{Name: "send2ereader", RepoURL: b.url, Repo: b.repo, File: "send2ereader/values.yaml"}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		command    string
		parameters map[string]string
		token      string // of Argo CD, unless it is the right one
		code       int
		said       []string
		deployed   string
		markers    string
	}{
		{"status", map[string]string{"images": "IMAGE"}, "", 0, []string{"production", older, "staging", newest}, older, ""},
		{"update", map[string]string{"images": "IMAGE", "env": "production"}, "", 0, []string{newest}, newest, ""},
		{"wait", map[string]string{"env": "production"}, "", 0, []string{"send2ereader"}, newest, ""},
		{"wait", map[string]string{"env": "production"}, "wrong", 6, []string{"hint: set ARGOCD_AUTH_TOKEN"}, newest, ""},
		{"wait", map[string]string{"env": "nowhere"}, "", 2, []string{"nowhere"}, newest, ""},
		{
			"rollback",
			map[string]string{"images": "IMAGE", "env": "production", "component_name": "send2ereader", "environment_name": "prod"},
			"", 0,
			[]string{older},
			older,
			"plan send2ereader --environment-name=prod --component-name=send2ereader --target-version=" + older + "\nupdate send2ereader --status=SUCCESS\n",
		},
		{"update", map[string]string{"images": "IMAGE", "env": "production"}, "", 4, []string{"was rolled back"}, older, ""},
		{"rollback", map[string]string{"images": "IMAGE", "env": "production", "tag": newest}, "", 0, []string{newest}, newest, ""},
		{"status", map[string]string{"images": "IMAGE", "env": "production", "token": "NOT_SET"}, "", 1, []string{"the variable NOT_SET"}, newest, ""},
	} {
		j := newJob(t)
		j.install()
		j.env["TAGBUMP_TOKEN"] = b.token
		j.env["ARGOCD_SERVER"], j.env["ARGOCD_AUTH_TOKEN"], j.env["ARGOCD_OPTS"] = host, cmp.Or(step.token, "argo-token"), "--plaintext"
		parameters := map[string]string{"repo": b.url}
		for name, value := range step.parameters {
			parameters[name] = strings.ReplaceAll(value, "IMAGE", b.image)
		}
		output, code := j.command(step.command, parameters)
		if code != step.code {
			t.Errorf("%s %v: exit %d, want %d\n%s", step.command, step.parameters, code, step.code, output)
		}
		for _, said := range step.said {
			if !strings.Contains(output, said) {
				t.Errorf("%s %v: %q is missing:\n%s", step.command, step.parameters, said, output)
			}
		}
		if got := b.deployed(t); got != step.deployed {
			t.Errorf("%s %v: deployed is %s, want %s", step.command, step.parameters, got, step.deployed)
		}
		if got, _ := os.ReadFile(j.markers); string(got) != step.markers {
			t.Errorf("%s: markers:\n%s\nwant:\n%s", step.command, got, step.markers)
		}
	}
}

// TestMusl runs the scripts in a root folder that has busybox and nothing else: no
// bash, no curl, no glibc. That is what an Alpine image has.
func TestMusl(t *testing.T) {
	busybox, err := exec.LookPath("busybox")
	if err != nil || os.Geteuid() != 0 {
		t.Skip("this needs root and a static busybox")
	}
	j, b := newJob(t), newBed(t)
	root := t.TempDir()
	for _, folder := range []string{"bin", "home", "tmp", "dev"} {
		if err := os.Mkdir(filepath.Join(root, folder), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	program, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	j.write(filepath.Join(root, "bin", "busybox"), string(program), 0o755)
	if text, err := exec.Command("chroot", root, "/bin/busybox", "--install", "/bin").CombinedOutput(); err != nil {
		t.Skipf("busybox is not static: %s", text)
	}
	j.write(filepath.Join(root, "bin", "circleci"), strings.ReplaceAll(agent, "MARKERS", "/tmp/markers"), 0o755)
	j.write(filepath.Join(root, "env"), "", 0o666)
	if text, err := exec.Command("mknod", "-m", "666", filepath.Join(root, "dev", "null"), "c", "1", "3").CombinedOutput(); err != nil {
		t.Skipf("mknod: %s", text)
	}
	step := func(name string, parameters map[string]string) (string, int) {
		for _, step := range packed(t).Commands[name].Steps {
			var s struct {
				Run *struct {
					Command     string
					Environment map[string]string
				}
			}
			if step.Decode(&s) != nil || s.Run == nil {
				continue
			}
			j.write(filepath.Join(root, "step.sh"), strings.ReplaceAll(s.Run.Command, `\<<`, "<<"), 0o644)
			cmd := exec.Command("chroot", root, "/bin/sh", "-eo", "pipefail", "/step.sh")
			cmd.Env = []string{"HOME=/home", "PATH=/bin", "BASH_ENV=/env", "TAGBUMP_TOKEN=" + b.token}
			for variable, value := range s.Run.Environment {
				cmd.Env = append(cmd.Env, variable+"="+parameterValue(t, name, value, parameters))
			}
			text, _ := cmd.CombinedOutput()
			return string(text), cmd.ProcessState.ExitCode()
		}
		return "", -1
	}
	if output, code := step("install", downloads(t)); code != 0 {
		t.Fatalf("install: exit %d\n%s", code, output)
	}
	if output, code := step("update", map[string]string{"repo": b.url, "images": b.image, "env": "production"}); code != 0 || b.deployed(t) != "master-202406151230" {
		t.Errorf("update: exit %d, deployed %s\n%s", code, b.deployed(t), output)
	}
}

package cli

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// token is what the git server and the GitHub fake of a script want.
const token = "ghp_correctHorseBattery"

// exitFile is the variable that names the file into which the command of a
// script writes its exit code, for the script's word "code".
const exitFile = "SCRIPT_EXIT_FILE"

// asProgram is the variable that makes the test binary the program itself.
const asProgram = "TEST_AS_PROGRAM"

// statusFile names the variable with the file that gets what Linux says of the
// process at its end.
const statusFile = "TEST_STATUS_FILE"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(Main())
	}
	testscript.Main(m, map[string]func(){"tagbump": func() { os.Exit(watched()) }})
}

// watched is the command itself under one more eye: whatever a script does, the
// token must not come out.
func watched() int {
	stdout, stderr := os.Stdout, os.Stderr
	var seen bytes.Buffer
	code := runCopying(&seen)
	for _, name := range []string{"TAGBUMP_TOKEN", "ARGOCD_AUTH_TOKEN"} {
		if secret := os.Getenv(name); secret != "" && strings.Contains(seen.String(), secret) {
			fmt.Fprintln(stderr, "the token came out")
			return 99
		}
	}
	os.Stdout, os.Stderr = stdout, stderr
	if name := os.Getenv(statusFile); name != "" {
		if status, err := os.ReadFile("/proc/self/status"); err == nil {
			_ = os.WriteFile(name, status, 0o644) // its test says so when it is missing
		}
	}
	if name := os.Getenv(exitFile); name != "" {
		if err := os.WriteFile(name, []byte(strconv.Itoa(code)), 0o644); err != nil {
			fmt.Fprintln(stderr, err)
			return 99
		}
	}
	return code
}

// runCopying runs the command with a copy of its output in seen.
func runCopying(seen *bytes.Buffer) int {
	finish := []func(){copyOf(&os.Stdout, seen), copyOf(&os.Stderr, seen)}
	code := Main()
	for _, f := range finish {
		f()
	}
	return code
}

func copyOf(file **os.File, seen *bytes.Buffer) (finish func()) {
	original := *file
	read, write, err := os.Pipe()
	if err != nil {
		panic(err)
	}
	*file = write
	var mine bytes.Buffer
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.MultiWriter(original, &mine), read)
	}()
	return func() {
		_ = write.Close()
		<-done
		seen.Write(mine.Bytes())
	}
}

// TestScript runs the CLI scripts. Each has servers of its own: a registry at
// $REGISTRY, git's http-backend at $GIT over the repositories in $REPOS, and
// GitHub's API for acme/charts. In a script's files the word REGISTRY stands for
// the registry's address.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("..", "..", "testdata", "script"),
		Setup:               setup,
		RequireExplicitExec: true,
		Cmds:                scriptWords,
	})
}

// scriptWords are the words of scripts beside those of testscript.
var scriptWords = map[string]func(*testscript.TestScript, bool, []string){
	"image":     pushImage,
	"repo":      makeRepo,
	"hook":      installHook,
	"commit":    commitByHand,
	"pulls":     listPulls,
	"pull":      showPull,
	"closepull": closePull,
	"forge":     failForge,
	"requests":  countRequests,
	"code":      checkCode,
	"fixture":   copyFixture,
	"changes":   listChanges,
	"gitasked":  gitAsked,
	"received":  listReceived,
	"receiver":  setReceiver,
	"argo":      addApplication,
	"argoasked": listArgoRequests,
}

// world is what one script talks to.
type world struct {
	registry *testenv.Registry
	git      *testenv.GitServer
	forge    *testenv.Forge
	failures failures
	counted  int // requests of the forge
	receiver *receiver
	argocd   *testenv.ArgoCD
	images   int // that were pushed
}

type worldKey struct{}

func setup(env *testscript.Env) error {
	registry, err := testenv.NewRegistry(testenv.RegistryOptions{})
	if err != nil {
		return err
	}
	env.Defer(registry.Close)
	root := filepath.Join(env.WorkDir, "..", filepath.Base(env.WorkDir)+"-repos")
	if err := os.MkdirAll(filepath.Join(root, "acme"), 0o755); err != nil {
		return err
	}
	git, err := testenv.ServeGit(root, token)
	if err != nil {
		return err
	}
	env.Defer(func() { _ = git.Close() })
	w := &world{registry: registry, git: git, forge: startForge(env.Getenv(forgeVariable), root)}
	w.forge.Before = w.failures.answer
	apiURL, stop, err := w.forge.Listen()
	if err != nil {
		return err
	}
	env.Defer(func() { _ = stop() })
	w.receiver = newReceiver()
	env.Defer(w.receiver.Close)
	argoHost := ""
	if w.argocd, argoHost, err = startArgoCD(env); err != nil {
		return err
	}
	env.Values[worldKey{}] = w
	for name, value := range map[string]string{
		"REGISTRY": registry.Host, "GIT": git.URL + "/acme", "REPOS": filepath.Join(root, "acme"),
		exitFile: filepath.Join(root, "exit"), "RECEIVER": w.receiver.URL,
		"ARGOCD_SERVER": argoHost, "ARGOCD_AUTH_TOKEN": argoToken, "ARGOCD_OPTS": "--plaintext --grpc-web",
		"GITHUB_API_URL": apiURL, "TAGBUMP_TOKEN": token, "HOME": env.WorkDir,
		"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
	} {
		env.Setenv(name, value)
	}
	if err := putIn(env.WorkDir, "FORGE_API", apiURL); err != nil {
		return err
	}
	return fillIn(env.WorkDir, registry.Host)
}

// fillIn puts the registry's address into the script's files.
func fillIn(dir, host string) error { return putIn(dir, "REGISTRY/", host+"/") }

// putIn replaces a word in all files of a folder.
func putIn(dir, word, text string) error {
	return filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(name, bytes.ReplaceAll(content, []byte(word), []byte(text)), 0o644)
	})
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// pushImage: image REPOSITORY:TAG [created=TIME] [revision=COMMIT] [PLATFORM...] puts an image into the registry.
func pushImage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: image REPOSITORY:TAG [created=TIME] [revision=COMMIT] [PLATFORM...]")
	}
	repository, tag, _ := strings.Cut(args[0], ":")
	w := worldOf(ts)
	w.images++ // each image is a minute newer than the one before
	img := testenv.Image{
		Created: time.Date(2024, 6, 15, 12, 30+w.images, 0, 0, time.UTC),
		Labels:  map[string]string{"org.opencontainers.image.version": tag},
	}
	for _, arg := range args[1:] {
		switch name, value, _ := strings.Cut(arg, "="); name {
		case "created":
			created, err := time.Parse(time.RFC3339, value)
			ts.Check(err)
			img.Created = created
		case "revision":
			img.Labels["org.opencontainers.image.revision"] = value
		default:
			img.Platforms = append(img.Platforms, arg)
		}
	}
	if len(img.Platforms) == 0 {
		img.Platforms = []string{"linux/arm64"}
	}
	_, err := w.registry.Push(repository, img, tag)
	ts.Check(err)
}

// makeRepo: repo NAME makes the bare repository NAME.git of the folder NAME.
func makeRepo(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: repo NAME")
	}
	files, err := filesOf(ts.MkAbs(args[0]))
	ts.Check(err)
	_, err = worldOf(ts).git.Repo(filepath.Join("acme", args[0]+".git"), files)
	ts.Check(err)
}

// installHook: hook NAME HOOK FILE installs FILE as a hook of NAME.git.
func installHook(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: hook NAME HOOK FILE")
	}
	repo := testenv.GitRepo{Dir: filepath.Join(worldOf(ts).git.Root, "acme", args[0]+".git")}
	ts.Check(repo.Hook(args[1], ts.ReadFile(args[2])))
}

// listPulls: pulls prints the pull requests, one a line: number, state, base, title.
func listPulls(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: pulls")
	}
	pulls := worldOf(ts).forge.Pulls()
	if len(pulls) == 0 {
		fmt.Fprintln(ts.Stdout(), "none")
	}
	for _, pull := range pulls {
		state := map[bool]string{true: "open", false: "closed"}[pull.Open]
		fmt.Fprintln(ts.Stdout(), pull.Number, state, pull.Base, pull.Title)
	}
}

// gitAsked: gitasked holds that somebody has asked the git server.
func gitAsked(ts *testscript.TestScript, neg bool, _ []string) {
	if asked := worldOf(ts).git.Requests(); (len(asked) > 0) == neg {
		ts.Fatalf("git was asked: %+v", asked)
	}
}

// closePull: closepull NUMBER closes a pull request without merging it.
func closePull(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: closepull NUMBER")
	}
	var number int
	if _, err := fmt.Sscan(args[0], &number); err != nil {
		ts.Fatalf("closepull: %v", err)
	}
	ts.Check(worldOf(ts).forge.Close(number))
}

// checkCode: code N holds that the last tagbump ended with exit code N.
func checkCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: code N")
	}
	if got := ts.ReadFile(ts.Getenv(exitFile)); got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

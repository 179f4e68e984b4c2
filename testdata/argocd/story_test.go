package argocd

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The world of all stories.
var world struct {
	*cluster
	git      *gitServer
	registry string
	tagbump  string // the program
}

// TestMain starts the world once. RIG and TAGBUMP name the programs, see the README.
func TestMain(m *testing.M) {
	code, err := runWorld(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runWorld(m *testing.M) (int, error) {
	rig, tagbump := os.Getenv("RIG"), os.Getenv("TAGBUMP")
	if rig == "" || tagbump == "" {
		return 0, errors.New("RIG and TAGBUMP must name the programs: make argocd-test does")
	}
	dir, err := os.MkdirTemp("", "argocd")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	began := time.Now()
	world.tagbump = tagbump
	if err := os.MkdirAll(filepath.Join(dir, "git", "work"), 0o755); err != nil {
		return 0, err
	}
	if world.git, err = startGit(filepath.Join(dir, "git")); err != nil {
		return 0, err
	}
	if world.registry, err = startRegistry(); err != nil {
		return 0, err
	}
	if world.cluster, err = startCluster(filepath.Join(dir, "cluster"), rig); err != nil {
		return 0, err
	}
	defer world.stop()
	fmt.Printf("Argo CD answers after %.1f s\n", time.Since(began).Seconds())
	return m.Run(), nil
}

// The tags of the stories' images. Those that begin with bad never start.
const (
	tag0, tag1, tag2, tag3 = "master-202406151230", "master-202406151231", "master-202406151232", "master-202406151233"
	badTag                 = "bad-202406151240"
)

// A story has a repository, and applications in a namespace of its own.
type story struct {
	*testing.T
	name  string
	image string // its repository in the registry

	// Called once by the next run of tagbump: before its first refresh is sent, and
	// after that is answered.
	beforeRefresh, afterRefresh func()

	variables []string // more of the environment of tagbump
}

// newStory makes a repository with the files, in which IMAGE, REPO and NAME are
// replaced, and pushes an image under every tag.
func newStory(t *testing.T, files map[string]string) *story {
	t.Helper()
	s := &story{T: t, name: strings.ToLower(strings.TrimPrefix(t.Name(), "Test"))}
	s.image = world.registry + "/acme/" + s.name
	s.must(pushImages(s.image, tag0, tag1, tag2, tag3, badTag))
	s.run("git", "init", "-q", "--bare", "--initial-branch=main", s.bare())
	s.run("git", "clone", "-q", world.git.url(s.name), s.checkout())
	s.commit("Add the chart", files)
	if _, err := world.kubectl("", "create", "namespace", s.name); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *story) bare() string     { return filepath.Join(world.git.root, "acme", s.name+".git") }
func (s *story) checkout() string { return filepath.Join(world.git.root, "work", s.name) }

func (s *story) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// text replaces the names of the story in a text.
func (s *story) text(text string) string {
	return strings.NewReplacer("IMAGE", s.image, "REPO", world.git.url(s.name), "NAME", s.name).Replace(text)
}

// run runs a program to its end, and returns what it prints.
func (s *story) run(program string, args ...string) string {
	s.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "HOME="+world.git.root, "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=A", "GIT_AUTHOR_EMAIL=a@acme.example", "GIT_COMMITTER_NAME=A", "GIT_COMMITTER_EMAIL=a@acme.example")
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// commit pushes a commit of somebody else. A file without content is removed.
func (s *story) commit(message string, files map[string]string) string {
	s.Helper()
	git := func(args ...string) string { return s.run("git", append([]string{"-C", s.checkout()}, args...)...) }
	if s.run("git", "-C", s.bare(), "for-each-ref") != "" {
		git("pull", "-q", "--ff-only", "origin", "main")
	}
	for name, content := range files {
		file := filepath.Join(s.checkout(), name)
		if content == "" {
			s.must(os.Remove(file))
			continue
		}
		s.must(os.MkdirAll(filepath.Dir(file), 0o755))
		s.must(os.WriteFile(file, []byte(s.text(content)), 0o644))
	}
	git("add", "-A")
	git("commit", "-q", "-m", message)
	git("push", "-q", "origin", "HEAD:main")
	return git("rev-parse", "HEAD")
}

// file returns a file of the tip of main.
func (s *story) file(name string) string {
	s.Helper()
	return s.run("git", "-C", s.bare(), "show", "main:"+name)
}

// apply creates objects, in whose manifests the story's names are replaced.
func (s *story) apply(manifests string) {
	s.Helper()
	s.must(world.apply(s.text(manifests)))
}

// settle waits until an application runs an image, Synced and Healthy.
func (s *story) settle(application, image string) {
	s.Helper()
	s.must(world.await("argocd-application-controller", func() error {
		app, err := s.application(application, "?refresh=normal")
		if err == nil && (app.Status.Sync.Status != "Synced" || app.Status.Health.Status != "Healthy" || !strings.Contains(fmt.Sprint(app.Status.Summary.Images), image)) {
			err = fmt.Errorf("%s is not settled%s", application, brief(mustJSON(app)))
		}
		return err
	}))
}

func mustJSON(value any) []byte {
	src, _ := json.Marshal(value)
	return src
}

// application asks Argo CD, not by way of tagbump.
func (s *story) application(name, query string) (application, error) {
	var app application
	answer, err := world.api("GET", "/api/v1/applications/"+s.text(name)+query, world.adminToken, "")
	if err == nil {
		err = json.Unmarshal(answer, &app)
	}
	return app, err
}

// A live state is what Kubernetes says of a Deployment.
type live struct {
	Image string // in its template
	Ready bool   // all replicas run this template
}

// live asks Kubernetes what a Deployment of the story's namespace runs.
func (s *story) live(deployment string) live { return s.liveIn(s.name, deployment) }

func (s *story) liveIn(namespace, deployment string) live {
	s.Helper()
	out, err := world.kubectl("", "-n", namespace, "get", "deployment", deployment, "-o", "json")
	s.must(err)
	var object struct {
		Metadata struct{ Generation int }
		Spec     struct {
			Replicas int
			Template struct {
				Spec struct{ Containers []struct{ Image string } }
			}
		}
		Status struct{ ObservedGeneration, UpdatedReplicas, ReadyReplicas, AvailableReplicas, Replicas int }
	}
	s.must(json.Unmarshal([]byte(out), &object))
	status := object.Status
	_, tag, _ := strings.Cut(object.Spec.Template.Spec.Containers[0].Image, "/acme/"+s.name+":")
	return live{
		Image: tag,
		Ready: status.ObservedGeneration == object.Metadata.Generation && status.UpdatedReplicas == object.Spec.Replicas &&
			status.AvailableReplicas == object.Spec.Replicas && status.Replicas == object.Spec.Replicas,
	}
}

// wantLive holds that a Deployment runs a tag, and nothing else.
func (s *story) wantLive(deployment, tag string) {
	s.Helper()
	if got := s.live(deployment); got != (live{tag, true}) {
		s.Fatalf("the cluster has %+v, want %s", got, tag)
	}
}

// A result is what a run of tagbump left.
type result struct {
	args           []string
	code           int
	stdout, stderr string
	took           time.Duration
	tape           *tape
}

// tagbump runs tagbump as a job of a CI system does, and returns how it ended.
func (s *story) tagbump(args ...string) result {
	s.Helper()
	return s.begin(args...)()
}

// begin starts tagbump. The result waits for its end.
func (s *story) begin(args ...string) func() result {
	s.Helper()
	tape := newTape(s.T, world.argocd, s.beforeRefresh, s.afterRefresh)
	s.beforeRefresh, s.afterRefresh = nil, nil
	for i, arg := range args {
		args[i] = s.text(arg)
	}
	cmd := exec.Command(world.tagbump, args...)
	cmd.Dir = s.TempDir()
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "TAGBUMP_REPO=" + world.git.url(s.name),
		"ARGOCD_SERVER=" + tape.address, "ARGOCD_AUTH_TOKEN=" + world.token, "ARGOCD_OPTS=--plaintext",
		"GIT_AUTHOR_NAME=CI", "GIT_AUTHOR_EMAIL=ci@acme.example",
	}, s.variables...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	began := time.Now()
	s.must(cmd.Start())
	return func() result {
		s.Helper()
		err := cmd.Wait()
		r := result{args: args, code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String(), took: time.Since(began), tape: tape}
		s.Logf("tagbump %s: exit %d after %.2f s (%v)\n%s%s", strings.Join(args, " "), r.code, r.took.Seconds(), err, r.stderr, r.stdout)
		return r
	}
}

// want holds how a run ended, and that its output has the texts: each is in stdout or
// in stderr.
func (s *story) want(r result, code int, texts ...string) {
	s.Helper()
	if r.code != code {
		s.Fatalf("exit code %d, want %d", r.code, code)
	}
	for _, text := range texts {
		if text = s.text(text); !strings.Contains(r.stdout+r.stderr, text) {
			s.Fatalf("the output lacks %q", text)
		}
	}
}

// wantNot holds that the output of a run does not have a text.
func (s *story) wantNot(r result, text string) {
	s.Helper()
	if text = s.text(text); strings.Contains(r.stdout+r.stderr, text) {
		s.Fatalf("the output has %q", text)
	}
}

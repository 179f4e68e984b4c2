package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// The targets of the bumps.
const (
	monoTarget  = "apps/team-03/svc-03-042/envs/prod/values.yaml"
	smallTarget = "apps/app-2/prod/values.yaml"
)

// makeBed builds the repositories in dir, unless they are there.
func makeBed(dir string) error {
	stamp := filepath.Join(dir, "complete")
	if _, err := os.Stat(stamp); err == nil {
		return nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	err := errors.Join(
		build(dir, "mono.git", writeMono),
		build(dir, "small.git", writeSmall),
		build(dir, "keys.git", writeKeys),
	)
	if err == nil {
		err = errors.Join(
			copyMono(dir, "mono-off.git", map[string]string{"uploadpack.allowFilter": "false", "uploadpack.allowAnySHA1InWant": "false"}),
			copyMono(dir, "mono-flat.git", map[string]string{"uploadpackfilter.tree.maxDepth": "0"}),
			withRefs(dir),
		)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(stamp, nil, 0o644)
}

func build(dir, name string, write func(w io.Writer)) error {
	repo, err := testenv.NewGitRepo(filepath.Join(dir, name), nil)
	if err != nil {
		return err
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir = repo.Dir
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	w := bufio.NewWriterSize(stdin, 1<<20)
	write(w)
	if err := errors.Join(w.Flush(), stdin.Close()); err != nil {
		return err
	}
	return cmd.Wait()
}

// copyMono makes a monorepo whose server is set up in another way.
func copyMono(dir, name string, settings map[string]string) error {
	if out, err := exec.Command("cp", "-al", filepath.Join(dir, "mono.git"), filepath.Join(dir, name)).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	for key, value := range settings {
		if _, err := testenv.Git(filepath.Join(dir, name), "config", key, value); err != nil {
			return err
		}
	}
	return nil
}

func withRefs(dir string) error {
	if out, err := exec.Command("cp", "-al", filepath.Join(dir, "small.git"), filepath.Join(dir, "refs.git")).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	repo := testenv.GitRepo{Dir: filepath.Join(dir, "refs.git")}
	tip, err := repo.Tip("main")
	if err != nil {
		return err
	}
	var refs strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&refs, "%s refs/heads/feature-%012d\n", tip, i)
	}
	packed, err := os.ReadFile(filepath.Join(repo.Dir, "packed-refs"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	text := "# pack-refs with: peeled fully-peeled sorted \n" + refs.String()
	if len(packed) > 0 {
		return errors.New("small.git has packed refs already")
	}
	return os.WriteFile(filepath.Join(repo.Dir, "packed-refs"), []byte(text), 0o644)
}

// stream writes commits in fast-import's language.
type stream struct {
	w    io.Writer
	rand *rand.Rand
	n    int
}

func (s *stream) commit(subject string) {
	s.n++
	fmt.Fprintf(s.w, "commit refs/heads/main\ncommitter Bed <bed@example.com> %d +0000\ndata %d\n%s\n", 1700000000+60*s.n, len(subject), subject)
}

func (s *stream) file(name, content string) { s.entry("100644", name, content) }

func (s *stream) entry(mode, name, content string) {
	fmt.Fprintf(s.w, "M %s inline %s\ndata %d\n%s\n", mode, name, len(content), content)
}

func (s *stream) noise(size int) string {
	data := make([]byte, size)
	s.rand.Read(data)
	return string(data)
}

func (s *stream) values(service, tag string) string {
	return fmt.Sprintf("# values of %s\nreplicas: %d\nimage:\n  repository: registry.example.com/acme/%s\n  tag: \"%s\" # set by CI\n  pullPolicy: IfNotPresent\nresources:\n  limits:\n    memory: %dMi\n", service, 1+s.rand.Intn(5), service, tag, 64*(1+s.rand.Intn(16)))
}

// writeMono is a monorepo of 20,013 files, 2,000 commits and over 200 MB.
func writeMono(w io.Writer) {
	s := &stream{w: w, rand: rand.New(rand.NewSource(42))}
	s.commit("everything")
	for team := range 20 {
		for number := range 90 {
			s.service(team, number)
		}
	}
	for i := range 2000 {
		s.file(fmt.Sprintf("flat/app-%04d.yaml", i), s.values(fmt.Sprintf("flat-%04d", i), "1.0.0"))
	}
	for i := range 12 {
		s.file(fmt.Sprintf("charts/vendor-%02d.tgz", i), s.noise(5<<20))
	}
	s.file("README.md", "# the monorepo\n")
	for i := range 2000 {
		s.bump(i)
	}
}

func serviceDir(team, number int) (name, dir string) {
	name = fmt.Sprintf("svc-%02d-%03d", team, number)
	return name, fmt.Sprintf("apps/team-%02d/%s/", team, name)
}

func (s *stream) service(team, number int) {
	name, dir := serviceDir(team, number)
	s.file(dir+"README.md", "# "+name+"\n")
	for _, kind := range []string{"deployment", "kustomization", "service"} {
		s.file(dir+"base/"+kind+".yaml", fmt.Sprintf("kind: %s\nmetadata:\n  name: %s\n  labels: {n: \"%d\"}\n", kind, name, s.rand.Int()))
	}
	for _, env := range []string{"dev", "staging", "prod"} {
		s.file(dir+"envs/"+env+"/values.yaml", s.values(name, "1.0.0"))
		s.file(dir+"envs/"+env+"/kustomization.yaml", fmt.Sprintf("resources: [../../base]\nnameSuffix: -%s-%d\n", env, s.rand.Intn(1000)))
	}
}

// bump is one of the commits above the first. Some add a big file, which a later
// one deletes.
func (s *stream) bump(i int) {
	s.commit(fmt.Sprintf("bump %d", i))
	name, dir := serviceDir(s.rand.Intn(20), s.rand.Intn(90))
	s.file(dir+"envs/prod/values.yaml", s.values(name, fmt.Sprintf("1.%d.%d", i/10, i%10)))
	if i%65 == 10 {
		s.file(fmt.Sprintf("charts/extra-%d.tgz", i/65), s.noise(5<<20))
	}
	if i >= 65 && i%65 == 40 || i == 40 {
		fmt.Fprintf(s.w, "D charts/extra-%d.tgz\n", i/65)
	}
}

// writeSmall is a repository of 20 entries, some of them unusual.
func writeSmall(w io.Writer) {
	s := &stream{w: w, rand: rand.New(rand.NewSource(7))}
	s.commit("everything")
	for app := range 5 {
		for _, env := range []string{"dev", "prod"} {
			s.file(fmt.Sprintf("apps/app-%d/%s/values.yaml", app, env), s.values(fmt.Sprintf("app-%d", app), "1.0.0"))
		}
	}
	for i := range 6 {
		s.file(fmt.Sprintf("docs/page-%d.md", i), fmt.Sprintf("# page %d\n", i))
	}
	s.file("README.md", "# small\n")
	s.entry("100755", "run.sh", "#!/bin/sh\n")
	s.entry("120000", "link", "README.md")
	fmt.Fprintf(w, "M 160000 %040d module\n", 1)
	for i := range 30 {
		s.commit(fmt.Sprintf("bump %d", i))
		s.file(smallTarget, s.values("app-2", fmt.Sprintf("1.%d.0", i)))
	}
}

// writeKeys is a repository of one file, with a key for each of 50 bumpers.
func writeKeys(w io.Writer) {
	s := &stream{w: w, rand: rand.New(rand.NewSource(3))}
	s.commit("everything")
	var text strings.Builder
	for i := range 50 {
		fmt.Fprintf(&text, "app-%02d: \"0\"\n", i)
	}
	s.file("values.yaml", text.String())
}

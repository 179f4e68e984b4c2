package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"golang.org/x/mod/module"
	"golang.org/x/mod/zip"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

// A job gets a program, and makes a bump with it.
type job struct {
	name    string
	install string // a script, which leaves the program in $BIN
	way     way
}

const (
	orbScript = ".circleci/orb/src/scripts/install.sh"
	goInstall = `GOBIN="$BIN" GOPROXY="$FILES/proxy" GONOSUMDB='*' GOFLAGS=-modcacherw go install -trimpath ` + modulePath + `/cmd/tagbump@` + moduleVersion

	modulePath    = "github.com/tagbump/tagbump"
	moduleVersion = "v0.0.1-bench"
)

// jobs are the ways of one bump, from a machine that has git, curl and Go, and none of
// the programs. yq's project offers the program as it is, kustomize's a tar.gz.
var jobs = []job{
	{"tagbump, the orb's install", `PARAM_VERSION="$RELEASE" PARAM_DOWNLOAD_URL="$FILES/releases" sh "$ORB" && ln -s "$HOME/.local/bin/tagbump" "$BIN/tagbump"`, ways[3]},
	{"tagbump, go install", goInstall, ways[3]},
	{"yq, git", `curl -fsSL -o "$BIN/yq" "$FILES/yq_linux_amd64" && chmod +x "$BIN/yq"`, ways[5]},
	{"kustomize, git", `curl -fsSL "$FILES/kustomize_linux_amd64.tar.gz" | tar -xz -C "$BIN"`, ways[6]},
}

// startUp prints what each job costs, from its start to the pushed commit.
func (b *bench) startUp(dist string, programs []string) error {
	release, err := b.serveDownloads(dist, programs)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "job\tMB downloaded\tseconds to install\tseconds to bump\tseconds in all")
	for _, j := range jobs {
		m, err := b.runJob(j, release)
		if err != nil {
			return errors.Join(fmt.Errorf("%s: %w", j.name, err), table.Flush())
		}
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%.2f\n", j.name, float64(m.downloaded)/1e6,
			m.install.Seconds(), m.bump.Seconds(), (m.install + m.bump).Seconds())
	}
	return table.Flush()
}

// serveDownloads puts what the jobs download at the end of a line, which ends with the
// process, and returns the version of tagbump's release.
func (b *bench) serveDownloads(dist string, programs []string) (release string, err error) {
	archives, err := filepath.Glob(filepath.Join(dist, "tagbump_*_linux_amd64.tar.gz"))
	if err == nil && len(archives) != 1 {
		err = fmt.Errorf("%s: not one archive for linux/amd64, but %d: make snapshot", dist, len(archives))
	}
	if err != nil {
		return "", err
	}
	release = strings.TrimSuffix(strings.TrimPrefix(filepath.Base(archives[0]), "tagbump_"), "_linux_amd64.tar.gz")
	cache, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		return "", err
	}
	own, packed := filepath.Join(b.dir, "proxy"), filepath.Join(b.dir, "kustomize.tar.gz")
	if err := b.writeModule(filepath.Join(own, modulePath, "@v")); err != nil {
		return "", err
	}
	if out, err := exec.Command("tar", "-czf", packed, "-C", filepath.Dir(programs[2]), filepath.Base(programs[2])).CombinedOutput(); err != nil {
		return "", fmt.Errorf("tar: %w: %s", err, out)
	}
	mux := http.NewServeMux()
	folder := func(at, dir string) { mux.Handle(at, http.StripPrefix(at, http.FileServer(http.Dir(dir)))) }
	folder("/releases/v"+release+"/", dist)
	folder("/proxy/", filepath.Join(strings.TrimSpace(string(cache)), "cache", "download"))
	folder("/proxy/"+modulePath+"/", filepath.Join(own, modulePath))
	for at, file := range map[string]string{"/yq_linux_amd64": programs[1], "/kustomize_linux_amd64.tar.gz": packed} {
		mux.HandleFunc(at, func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go func() { _ = http.Serve(listener, mux) }()
	b.downloads, err = testenv.NewLink(listener.Addr().String(), testenv.LinkOptions{RTT: away, Handshake: 2, Down: bandwidth})
	return release, err
}

// writeModule writes the checkout's HEAD as a version of tagbump's module, as a module
// proxy serves it.
func (b *bench) writeModule(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	checkout, err := os.Getwd()
	if err != nil {
		return err
	}
	source := filepath.Join(b.dir, "source") // the zip is made of a repository, and a worktree has none
	if _, err := testenv.Git(b.dir, "clone", "--quiet", "--no-local", checkout, source); err != nil {
		return err
	}
	archive, err := os.Create(filepath.Join(dir, moduleVersion+".zip"))
	if err != nil {
		return err
	}
	err = zip.CreateFromVCS(archive, module.Version{Path: modulePath, Version: moduleVersion}, source, "HEAD", "")
	if err = errors.Join(err, archive.Close()); err != nil {
		return err
	}
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, "list"), []byte(moduleVersion+"\n"), 0o644),
		os.WriteFile(filepath.Join(dir, moduleVersion+".info"), []byte(`{"Version":"`+moduleVersion+`"}`), 0o644),
		os.WriteFile(filepath.Join(dir, moduleVersion+".mod"), mod, 0o644),
	)
}

// A jobMeasurement is what one job took.
type jobMeasurement struct {
	downloaded    int64 // bytes towards the job before the bump
	install, bump time.Duration
}

// runJob returns the round with the median time. A job that compiles runs once.
func (b *bench) runJob(j job, release string) (jobMeasurement, error) {
	all := make([]jobMeasurement, rounds)
	if j.install == goInstall {
		all = all[:1]
	}
	for i := range all {
		var err error
		if all[i], err = b.jobOnce(j, release); err != nil {
			return jobMeasurement{}, err
		}
	}
	slices.SortFunc(all, func(x, y jobMeasurement) int { return int((x.install + x.bump) - (y.install + y.bump)) })
	return all[len(all)/2], nil
}

// jobOnce runs a job with an empty home folder.
func (b *bench) jobOnce(j job, release string) (jobMeasurement, error) {
	home, err := os.MkdirTemp(b.dir, "home-")
	if err != nil {
		return jobMeasurement{}, err
	}
	bin := filepath.Join(home, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		return jobMeasurement{}, err
	}
	orb, err := filepath.Abs(orbScript)
	if err != nil {
		return jobMeasurement{}, err
	}
	env := append(slices.Clone(b.env), "HOME="+home, "BIN="+bin, "ORB="+orb, "RELEASE="+release, "FILES=http://"+b.downloads.Addr)
	b.downloads.Take()
	took, err := timed(j.install, home, env)
	if err != nil {
		return jobMeasurement{}, err
	}
	m := jobMeasurement{install: took, downloaded: b.downloads.Take().Down}
	used := *b
	used.env = append(slices.Clone(b.env), "HOME="+home)
	for _, name := range []string{"tagbump", "yq", "kustomize"} {
		used.env = append(used.env, strings.ToUpper(name)+"="+filepath.Join(bin, name))
	}
	bumped, err := used.once(j.way)
	m.bump = bumped.took
	return m, err
}

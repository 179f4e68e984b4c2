package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// dist returns the folder that make snapshot wrote.
func dist(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("TAGBUMP_DIST")
	if dir == "" {
		t.Skip("TAGBUMP_DIST names no snapshot: make snapshot release-test")
	}
	return dir
}

// artifact returns the file of dist for this system that ends with suffix.
func artifact(t *testing.T, suffix string) string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dist(t), "tagbump_*_linux_"+runtime.GOARCH+suffix))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	return names[0]
}

// demoRuns runs tagbump demo, which commits and pushes in a repository of its own.
func demoRuns(t *testing.T, command ...string) {
	t.Helper()
	cmd := exec.Command(command[0], append(command[1:], "demo")...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=/nowhere", "TMPDIR=/tmp"}
	output, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "every other byte is as it was") {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestArchiveRuns(t *testing.T) {
	dir := t.TempDir()
	if text, err := exec.Command("tar", "-xzf", artifact(t, ".tar.gz"), "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	demoRuns(t, filepath.Join(dir, "tagbump"))
	for _, name := range []string{
		"LICENSE", "README.md", "THIRD-PARTY-NOTICES.txt", "man/man1/tagbump.1", "man/man1/tagbump-update.1",
		"completions/tagbump.bash", "completions/_tagbump", "completions/tagbump.fish", "completions/tagbump.ps1",
	} {
		if info, err := os.Stat(filepath.Join(dir, filepath.FromSlash(name))); err != nil || info.Size() == 0 {
			t.Errorf("%s is missing or empty", name)
		}
	}
	if text, err := exec.Command("bash", "-n", filepath.Join(dir, "completions", "tagbump.bash")).CombinedOutput(); err != nil {
		t.Errorf("the completion for bash: %v\n%s", err, text)
	}
}

func TestDebRuns(t *testing.T) {
	deb := artifact(t, ".deb")
	if _, err := exec.LookPath("dpkg"); err != nil {
		t.Skip("dpkg is not installed")
	}
	root := t.TempDir()
	// dpkg installs into a root of its own, with a list of packages of its own.
	for _, dir := range []string{"var/lib/dpkg/updates", "var/lib/dpkg/info"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("dpkg", "--root="+root, "--force-not-root", "--force-script-chrootless", "--log="+filepath.Join(root, "log"), "-i", deb)
	if text, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	demoRuns(t, filepath.Join(root, "usr/bin/tagbump"))
	if text, err := exec.Command("dpkg", "--root="+root, "--verify", "tagbump").CombinedOutput(); err != nil || len(text) > 0 {
		t.Errorf("dpkg --verify: %v\n%s", err, text)
	}
}

func TestRPMRuns(t *testing.T) {
	rpm := artifact(t, ".rpm")
	if _, err := exec.LookPath("rpm"); err != nil || os.Geteuid() != 0 {
		t.Skip("this needs rpm and root")
	}
	root := t.TempDir()
	for _, args := range [][]string{{"-i", "--nodeps", "--noscripts", rpm}, {"-V", "tagbump"}} {
		if text, err := exec.Command("rpm", append([]string{"--root", root}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("rpm %s: %v\n%s", args, err, text)
		}
	}
	demoRuns(t, filepath.Join(root, "usr/bin/tagbump"))
}

// TestImageRuns unpacks the image and runs its entry point as its user, in a root
// folder that has nothing else.
func TestImageRuns(t *testing.T) {
	index, err := layout.ImageIndexFromPath(filepath.Join(dist(t), "image"))
	if err != nil {
		t.Fatal(err)
	}
	outer, err := index.IndexManifest()
	if err != nil || len(outer.Manifests) != 1 {
		t.Fatal(outer, err)
	}
	inner, err := index.ImageIndex(outer.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := inner.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []string
	for _, m := range manifest.Manifests {
		platforms = append(platforms, m.Platform.String())
	}
	if got := strings.Join(platforms, " "); got != "linux/amd64 linux/arm64 linux/arm/v7" {
		t.Errorf("platforms: %s", got)
	}
	for _, m := range manifest.Manifests {
		if m.Platform.Architecture == runtime.GOARCH {
			image, err := inner.Image(m.Digest)
			if err != nil {
				t.Fatal(err)
			}
			runImage(t, image)
		}
	}
}

func runImage(t *testing.T, image v1.Image) {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || strings.Join(config.Config.Entrypoint, " ") != "/usr/bin/tagbump" {
		t.Errorf("user %s, entry point %s", config.Config.User, config.Config.Entrypoint)
	}
	if os.Geteuid() != 0 {
		t.Skip("chroot needs root")
	}
	root := t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	unpack := exec.Command("tar", "-x", "-p", "-C", root)
	flat := mutate.Extract(image)
	defer flat.Close()
	unpack.Stdin = flat
	if text, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	cmd := exec.Command("chroot", "--userspec="+config.Config.User, root, config.Config.Entrypoint[0], "demo")
	cmd.Env = config.Config.Env
	output, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(output), "every other byte is as it was") {
		t.Errorf("%v\n%s", err, output)
	}
	certificates, err := os.ReadFile(filepath.Join(root, "etc/ssl/certs/ca-certificates.crt"))
	if err != nil || !bytes.Contains(certificates, []byte("BEGIN CERTIFICATE")) {
		t.Errorf("certificates: %v", err)
	}
}

func TestChecksumsHold(t *testing.T) {
	check := exec.Command("sha256sum", "--quiet", "-c", "checksums.txt")
	check.Dir = dist(t)
	if text, err := check.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	cask, err := os.ReadFile(filepath.Join(dist(t), "tagbump.rb"))
	if err != nil {
		t.Fatal(err)
	}
	archive, err := os.ReadFile(artifact(t, ".tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if sum := fmt.Sprintf("%x", sha256.Sum256(archive)); !bytes.Contains(cask, []byte(sum)) || bytes.Contains(cask, []byte("SUM ")) {
		t.Errorf("the cask does not have the sum %s:\n%s", sum, cask)
	}
}

func TestSBOMListsModules(t *testing.T) {
	text, err := os.ReadFile(artifact(t, ".cdx.json"))
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat  string
		Components []component
	}
	if err := json.Unmarshal(text, &bom); err != nil {
		t.Fatal(err)
	}
	names := make(map[string]bool)
	for _, c := range bom.Components {
		names[c.Name] = c.PURL != "" && c.Version != ""
	}
	for _, name := range []string{"std", "github.com/spf13/cobra", "github.com/go-git/go-git/v5"} {
		if !names[name] {
			t.Errorf("%s is not listed", name)
		}
	}
}

// TestSizes holds what a job downloads.
func TestSizes(t *testing.T) {
	const most = 6_000_000
	for _, suffix := range []string{".tar.gz", ".deb"} {
		if info, err := os.Stat(artifact(t, suffix)); err != nil || info.Size() > most {
			t.Errorf("%s: %v, %d bytes, more than %d", suffix, err, info.Size(), most)
		}
	}
}

func TestVersionNumber(t *testing.T) {
	for text, want := range map[string]string{
		"v1.2.3": "1.2.3", "1.2.3": "1.2.3", "v1.2.3-4-gabc1234": "1.2.3-4-gabc1234", "v1.2.3-rc.1": "1.2.3-rc.1",
		"abc1234": "0.0.0-abc1234", "1234567": "0.0.0-1234567", "dev": "0.0.0-dev",
	} {
		if got := versionNumber(text); got != want {
			t.Errorf("versionNumber(%s) = %s, want %s", text, got, want)
		}
	}
}

func TestArchivesNameFoldersOnce(t *testing.T) {
	packed := tarOf([]file{
		{name: "usr/bin/a", mode: 0o755, data: []byte("a")}, {name: "usr/bin/b", mode: 0o644}, {name: "tmp/", mode: 0o1777},
	}, fixedTime)
	var got []string
	for r := tar.NewReader(bytes.NewReader(packed)); ; {
		header, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s %o %d", header.Name, header.Mode, header.Uid))
	}
	if want := "usr/ 755 0, usr/bin/ 755 0, usr/bin/a 755 0, usr/bin/b 644 0, tmp/ 1777 0"; strings.Join(got, ", ") != want {
		t.Errorf("got %q, want %s", got, want)
	}
	unzipped, err := gzip.NewReader(bytes.NewReader(gzipped([]byte("text"))))
	if err != nil || unzipped.Name != "" || !unzipped.ModTime.IsZero() {
		t.Errorf("%v, %+v", err, unzipped)
	}
}

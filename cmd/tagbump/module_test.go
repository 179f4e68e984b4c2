package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	modulepkg "golang.org/x/mod/module"
	"golang.org/x/mod/zip"
)

// root is the top of the checkout.
var root = filepath.Join("..", "..")

// installed is the version that TestInstall gives the checkout.
var installed = modulepkg.Version{Path: strings.TrimSuffix(module, "/"), Version: "v0.0.1-test"}

// TestModuleZip holds that "go install …@version" can fetch the module: the zip
// that a module proxy makes of the tracked files takes every one of them.
func TestModuleZip(t *testing.T) {
	files := trackedFiles(t)
	checked, err := zip.CheckFiles(files)
	if err != nil {
		t.Errorf("the module proxy refuses the files:\n%v\n%v", err, checked.Invalid)
	}
	if len(checked.Valid) < 100 {
		t.Fatalf("the zip has %d files; is the checkout whole?", len(checked.Valid))
	}
	if err := zip.Create(io.Discard, installed, files); err != nil {
		t.Errorf("make the zip: %v", err)
	}
}

// TestFileNamesWorkEverywhere holds that every tracked file can be checked out on
// Windows, those of the test-only modules included, which the module's zip lacks.
func TestFileNamesWorkEverywhere(t *testing.T) {
	folded := make(map[string]string)
	for _, file := range trackedFiles(t) {
		name := file.Path()
		if err := portableName(name); err != nil {
			t.Error(err)
		}
		if other, ok := folded[strings.ToLower(name)]; ok {
			t.Errorf("%s and %s are one file where case is ignored", name, other)
		}
		folded[strings.ToLower(name)] = name
	}
}

func TestPortableNameRefuses(t *testing.T) {
	for _, name := range []string{"plan/nul.txtar", "Aux", "a/com1.yaml", "a:b", "trailing./x", "trailing /x", "what?", "a*b", `back\slash`} {
		if portableName(name) == nil {
			t.Errorf("%q is taken for a portable name", name)
		}
	}
}

// portableName returns an error for a name that Windows or a module zip refuses.
func portableName(name string) error {
	for element := range strings.SplitSeq(name, "/") {
		if strings.TrimRight(element, ". ") != element {
			return &modulepkg.InvalidPathError{Kind: "file", Path: name, Err: os.ErrInvalid}
		}
	}
	return modulepkg.CheckFilePath(name)
}

// TestInstall runs "go install …/cmd/tagbump@version" against a module proxy in a
// folder, with an empty module cache. It compiles everything anew, so it runs only
// when INSTALL_TEST is set: make install-test.
func TestInstall(t *testing.T) {
	if os.Getenv("INSTALL_TEST") == "" {
		t.Skip("INSTALL_TEST is not set")
	}
	bin, cache := t.TempDir(), t.TempDir()
	install := exec.Command("go", "install", "-trimpath", "-modcacherw", installed.Path+"/cmd/tagbump@"+installed.Version)
	install.Dir = t.TempDir()
	install.Env = append(os.Environ(), "GOBIN="+bin, "GOMODCACHE="+cache, "GOFLAGS=-mod=mod", "GOWORK=off",
		"GONOSUMDB="+installed.Path, "GOPROXY=file://"+proxyFolder(t)+",file://"+downloads(t)+","+goEnv(t, "GOPROXY"))
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("go install: %v\n%s", err, out)
	}
	out, err := exec.Command(filepath.Join(bin, "tagbump"), "version").CombinedOutput()
	if err != nil || !strings.Contains(string(out), installed.Version) {
		t.Errorf("tagbump version: %v\n%s", err, out)
	}
}

// proxyFolder returns a folder that serves the tracked files as the version
// installed, in the layout of the GOPROXY protocol.
func proxyFolder(t *testing.T) string {
	t.Helper()
	proxy := t.TempDir()
	dir := filepath.Join(proxy, filepath.FromSlash(installed.Path), "@v")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	var archive bytes.Buffer
	if err := zip.Create(&archive, installed, trackedFiles(t)); err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile(filepath.Join(root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"list":                      []byte(installed.Version + "\n"),
		installed.Version + ".info": []byte(`{"Version":"` + installed.Version + `"}`),
		installed.Version + ".mod":  mod,
		installed.Version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return proxy
}

// downloads is this machine's own module cache, which has the layout of a proxy.
func downloads(t *testing.T) string {
	t.Helper()
	return filepath.ToSlash(filepath.Join(goEnv(t, "GOMODCACHE"), "cache", "download"))
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// trackedFiles lists the regular files that git tracks, as they are on disk.
func trackedFiles(t *testing.T) []zip.File {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z", "--full-name")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Skip("not a git checkout: ", err)
	}
	var files []zip.File
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		info, err := os.Lstat(filepath.Join(root, name))
		if err == nil && info.Mode().IsRegular() {
			files = append(files, trackedFile(name))
		}
	}
	return files
}

// A trackedFile is a file of the checkout, named from its top.
type trackedFile string

func (f trackedFile) Path() string                { return string(f) }
func (f trackedFile) Lstat() (os.FileInfo, error) { return os.Lstat(filepath.Join(root, string(f))) }

func (f trackedFile) Open() (io.ReadCloser, error) { return os.Open(filepath.Join(root, string(f))) }

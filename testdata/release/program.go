package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// A program is tagbump for one system.
type program struct {
	os, arch, arm string // arm is GOARM, for 32-bit ARM
	path          string
	data          []byte
}

// targets are the systems that a release is for.
var targets = []program{
	{os: "linux", arch: "amd64"},
	{os: "linux", arch: "arm64"},
	{os: "linux", arch: "arm", arm: "7"},
	{os: "darwin", arch: "amd64"},
	{os: "darwin", arch: "arm64"},
	{os: "windows", arch: "amd64"},
	{os: "windows", arch: "arm64"},
}

func (p program) fileName() string {
	if p.os == "windows" {
		return "tagbump.exe"
	}
	return "tagbump"
}

// architecture is "amd64", "arm64" or "armv7".
func (p program) architecture() string {
	if p.arm != "" {
		return p.arch + "v" + p.arm
	}
	return p.arch
}

// base is the name that all artifacts of a program begin with.
func (r release) base(p program) string {
	return fmt.Sprintf("tagbump_%s_%s_%s", r.version, p.os, p.architecture())
}

// describedVersion is what git describe prints between two releases.
var describedVersion = regexp.MustCompile(`^\d+\.\d+\.\d+([-+.~0-9A-Za-z]*)$`)

// versionNumber returns a version that begins with a number, as packages need it:
// a bare commit becomes 0.0.0-COMMIT.
func versionNumber(version string) string {
	number := strings.TrimPrefix(version, "v")
	if describedVersion.MatchString(number) {
		return number
	}
	return "0.0.0-" + number
}

// programs builds the program for every target, without cgo and paths of this machine.
func (r release) programs() ([]program, error) {
	dir, err := filepath.Abs(filepath.Join(r.out, "programs"))
	if err != nil {
		return nil, err
	}
	var built []program
	for _, p := range targets {
		p.path = filepath.Join(dir, p.os+"_"+p.architecture(), p.fileName())
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-gcflags=all=-l", "-ldflags",
			"-s -w -X github.com/tagbump/tagbump/pkg/cli.version=v"+r.version, "-o", p.path, "./cmd/tagbump")
		cmd.Dir = r.root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.os, "GOARCH="+p.arch, "GOARM="+p.arm)
		if text, err := cmd.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s/%s: %w\n%s", p.os, p.architecture(), err, text)
		}
		if p.data, err = os.ReadFile(p.path); err != nil {
			return nil, err
		}
		built = append(built, p)
	}
	return built, nil
}

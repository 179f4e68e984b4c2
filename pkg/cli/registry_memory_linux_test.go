// The race detector itself takes several times the memory.

//go:build !race

package cli

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

func TestAHundredThousandTagsFitIntoSixtyMegabytes(t *testing.T) {
	reg := tokenRegistry(t, 2)
	tags := make([]string, 100_000)
	for i := range tags {
		tags[i] = fmt.Sprintf("2.%d.%d-build-%06d", i/1000, i%1000, i)
	}
	if _, err := reg.Push("acme/web", testenv.Image{Platforms: []string{"linux/arm64"}}, "3.0.0"); err != nil {
		t.Fatal(err)
	}
	reg.ListTags("acme/web", slices.Concat([]string{"3.0.0"}, tags))
	for way, flags := range map[string]string{
		"semver":     "--semver >=1-0",
		"match":      `--match ^(\d)\.(\d)\.(\d)$ --extract $1$2$3 --order numerical`,
		"prefix":     "--match ^3 --order natural",
		"everything": "--order natural --explain",
	} {
		reg.ResetRequests()
		command := exec.Command("tagbump", append([]string{"resolve", reg.Host + "/acme/web"}, strings.Fields(flags)...)...)
		status := filepath.Join(t.TempDir(), "status")
		command.Env = append(os.Environ(), statusFile+"="+status)
		stdout, err := command.Output()
		if err != nil || !strings.HasPrefix(string(stdout), "3.0.0\t") {
			t.Errorf("%s: %q, %v", way, stdout, err)
		}
		peak := peakOf(t, status)
		t.Logf("%s: %d MB, %d requests", way, peak, len(reg.Requests()))
		if peak > 60 {
			t.Errorf("%s: %d MB at its peak, want at most 60", way, peak)
		}
	}
}

// peakOf reads how many MB of memory a process had at its peak. (What wait4 tells
// counts the parent's memory, which the process shares until it is a program of its
// own.)
func peakOf(t *testing.T, status string) int {
	text, err := os.ReadFile(status)
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(text)
	if match == nil {
		t.Skipf("no VmHWM in %s", text)
	}
	kilobytes, err := strconv.Atoi(string(match[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes >> 10
}

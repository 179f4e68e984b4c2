// The race detector itself takes several times the memory.

//go:build !race

package cli

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"syscall"
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
		stdout, err := command.Output()
		if err != nil || !strings.HasPrefix(string(stdout), "3.0.0\t") {
			t.Errorf("%s: %q, %v", way, stdout, err)
		}
		peak := command.ProcessState.SysUsage().(*syscall.Rusage).Maxrss >> 10
		t.Logf("%s: %d MB, %d requests", way, peak, len(reg.Requests()))
		if peak > 60 {
			t.Errorf("%s: %d MB at its peak, want at most 60", way, peak)
		}
	}
}

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// docker pushes what it is given to the bed's registry, as far as the job can tell.
const docker = `#!/bin/sh
case $1 in
login) cat >/dev/null ;;
build) [ "$2" = --tag ] && echo "built $3" ;;
push) echo "$2" >> PUSHED ;;
*) exit 64 ;;
esac
`

// sudo runs a command in a folder that is the job's own.
const sudo = "#!/bin/sh\nexec $(echo \"$*\" | sed 's|/usr/local/bin|BIN|')\n"

// TestSeedProject runs the steps of the seed project's job, each in a shell of its own,
// on a branch that deploys and on one that does not. Addresses are the only change.
func TestSeedProject(t *testing.T) {
	for _, test := range []struct{ branch, deployed string }{
		{"master", `^master-\d{12}$`},
		{"develop", `^master-202406121130$`},
	} {
		t.Run(test.branch, func(t *testing.T) {
			j, b := newJob(t), newBed(t)
			release := downloads(t)
			bin, _, _ := strings.Cut(j.path, ":")
			pushed := filepath.Join(t.TempDir(), "pushed")
			j.write(filepath.Join(bin, "docker"), strings.ReplaceAll(docker, "PUSHED", pushed), 0o755)
			j.write(filepath.Join(bin, "sudo"), strings.ReplaceAll(sudo, "BIN", bin), 0o755)
			maps.Copy(j.env, map[string]string{
				"CIRCLE_BRANCH": test.branch, "DOCKERHUB_USERNAME": "ci", "DOCKERHUB_TOKEN": "hub-token-1", "TAGBUMP_TOKEN": b.token,
				"VERSION": version, "DOWNLOADS": release["download_url"],
			})
			for _, step := range seedSteps(t) {
				script := strings.NewReplacer(
					`"haoict/send2ereader:$TAG" --env`, `"`+b.image+`:$TAG" --env`,
					"https://github.com/haoict/helm-charts.git", b.url,
					"--wait-for-tag 1m --wait 10m", "--no-verify", // nothing was built, and there is no Argo CD
					"linux_amd64", runtime.GOOS+"_"+runtime.GOARCH,
				).Replace(step.Command)
				if output, code := j.run(script, nil); code != 0 {
					t.Fatalf("%s: exit %d\n%s", step.Name, code, output)
				}
			}
			if got := b.deployed(t); !regexp.MustCompile(test.deployed).MatchString(got) {
				t.Errorf("deployed is %s, want %s", got, test.deployed)
			}
			text, err := os.ReadFile(pushed)
			if want := `^haoict/send2ereader:` + test.branch + `-\d{12}\n$`; err != nil || !regexp.MustCompile(want).Match(text) {
				t.Errorf("pushed %q, %v, want %s", text, err, want)
			}
		})
	}
}

// A shellStep is a step of a job that runs a script.
type shellStep struct{ Name, Command string }

func seedSteps(t *testing.T) []shellStep {
	t.Helper()
	text, err := os.ReadFile("../../../testdata/circleci/seed.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Jobs map[string]struct{ Steps []yaml.Node }
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	var steps []shellStep
	for _, node := range config.Jobs["build-and-deploy"].Steps {
		var step struct{ Run *shellStep }
		if node.Kind == yaml.MappingNode && node.Decode(&step) == nil && step.Run != nil {
			steps = append(steps, *step.Run)
		}
	}
	if len(steps) != 3 {
		t.Fatal(fmt.Sprint("steps: ", steps))
	}
	return steps
}

package helm

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/cli"
)

// overlayCharts are the charts of ../overlays, and the images that they render.
var overlayCharts = map[string][]string{
	"till":   {"acme/till"},
	"menu":   {"acme/menu"},
	"sign":   {"acme/sign"},
	"bakery": {"acme/till", "ghcr.io/acme/oven"},
}

// deployed are the tags in each environment.
var deployed = map[string]map[string]string{
	"staging":    {"acme/till": "v1.1.0", "acme/menu": "v0.3.0", "acme/sign": "v2.2.0", "ghcr.io/acme/oven": "v0.8.0"},
	"production": {"acme/till": "v1.0.0", "acme/menu": "v0.2.0", "acme/sign": "v2.1.0", "ghcr.io/acme/oven": "v0.7.0"},
}

// TestUpdateOfAnEnvironmentRendersTheNewImage updates each image in each
// environment of charts whose environments set only the tag. Every chart is
// rendered with every environment's values: in the updated environment exactly
// the image's tag is new, and in the others nothing changes.
func TestUpdateOfAnEnvironmentRendersTheNewImage(t *testing.T) {
	before := renderOverlays(t, overlays(t))
	for environment, tags := range deployed {
		for image, old := range tags {
			t.Run(environment+"/"+filepath.Base(image), func(t *testing.T) {
				t.Parallel()
				repo := overlays(t)
				runTagbump(t, repo, "update", image+":v9.8.7", "--env", environment, "--no-verify")
				for at, text := range renderOverlays(t, repo) {
					want := before[at]
					if at.environment == environment {
						want = strings.ReplaceAll(want, image+":"+old, image+":v9.8.7")
					}
					if text != want {
						t.Errorf("%s in %s renders\n%s\nwant\n%s", at.chart, at.environment, text, want)
					}
				}
			})
		}
	}
}

// TestPromotionRendersTheOtherEnvironmentsImages promotes everything from staging
// to production, which then renders staging's images.
func TestPromotionRendersTheOtherEnvironmentsImages(t *testing.T) {
	repo := overlays(t)
	before := renderOverlays(t, repo)
	runTagbump(t, repo, "promote", "--from", "staging", "--to", "production", "--no-verify")
	for at, text := range renderOverlays(t, repo) {
		want := before[at]
		if at.environment == "production" {
			for image, old := range deployed["production"] {
				want = strings.ReplaceAll(want, image+":"+old, image+":"+deployed["staging"][image])
			}
		}
		if text != want {
			t.Errorf("%s in %s renders\n%s\nwant\n%s", at.chart, at.environment, text, want)
		}
	}
}

type rendering struct{ chart, environment string }

// renderOverlays renders each chart of the repository with each environment's values.
func renderOverlays(t *testing.T, repo string) map[rendering]string {
	t.Helper()
	all := make(map[rendering]string)
	for chart, images := range overlayCharts {
		dir := withSubcharts(t, repo, chart)
		for environment, tags := range deployed {
			text := template(t, dir, "--values", filepath.Join(repo, "charts", chart, "values-"+environment+".yaml"))
			all[rendering{chart, environment}] = text
			for _, image := range images {
				if !strings.Contains(text, image+":") {
					t.Fatalf("%s in %s does not render %s, deployed %s:\n%s", chart, environment, image, tags[image], text)
				}
			}
		}
	}
	return all
}

// withSubcharts returns a copy of the chart with the charts that it takes from
// beside it, as "helm dependency build" makes it.
func withSubcharts(t *testing.T, repo, chart string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), chart)
	copyFolder(t, filepath.Join(repo, "charts", chart), dir)
	if chart == "bakery" {
		copyFolder(t, filepath.Join(repo, "charts", "till"), filepath.Join(dir, "charts", "till"))
	}
	return dir
}

// overlays returns a copy of ../overlays.
func overlays(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "overlays")
	copyFolder(t, "../overlays", dir)
	return dir
}

func copyFolder(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// runTagbump runs a command line in the folder.
func runTagbump(t *testing.T, folder string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	code := cli.Run(t.Context(), cli.Env{
		Args: append(args, "--repo", folder), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out,
		Getenv: func(string) string { return "" }, Now: time.Now, Dir: folder,
	})
	if code != 0 {
		t.Fatalf("tagbump %s: exit code %d\n%s", strings.Join(args, " "), code, out.String())
	}
}

package result

import (
	"strings"
	"testing"
)

var pushed = Result{
	State: "pushed", Changed: true, Environment: "production",
	Commit:    "0123456789abcdef0123456789abcdef01234567",
	CommitURL: "https://github.com/acme/charts/commit/0123456789abcdef0123456789abcdef01234567",
	Images:    []Image{{Name: "acme/web", Tag: "1.5.0", Previous: "1.4.0", Digest: "sha256:" + strings.Repeat("a", 64)}},
}

func lines(all []Variable) string {
	var b strings.Builder
	for _, one := range all {
		b.WriteString(one.Name + "=" + one.Value + "\n")
	}
	return b.String()
}

func TestVariablesOfAPush(t *testing.T) {
	want := `TAGBUMP_STATE=pushed
TAGBUMP_CHANGED=true
TAGBUMP_CODE=0
TAGBUMP_KIND=
TAGBUMP_ERROR=
TAGBUMP_ENVIRONMENT=production
TAGBUMP_IMAGE=acme/web
TAGBUMP_TAG=1.5.0
TAGBUMP_PREVIOUS_TAG=1.4.0
TAGBUMP_DIGEST=sha256:` + strings.Repeat("a", 64) + `
TAGBUMP_COMMIT=0123456789abcdef0123456789abcdef01234567
TAGBUMP_COMMIT_URL=https://github.com/acme/charts/commit/0123456789abcdef0123456789abcdef01234567
TAGBUMP_PR_URL=
TAGBUMP_PR_NUMBER=
TAGBUMP_IMAGE_COUNT=1
TAGBUMP_IMAGES=acme/web:1.5.0
TAGBUMP_RESULT_TAG=1.5.0
TAGBUMP_RESULT_COMMIT=0123456789abcdef0123456789abcdef01234567
`
	if got := lines(pushed.Variables()); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestEachOfSeveralImagesHasVariables(t *testing.T) {
	two := Result{
		State: "proposed", Changed: true, PullRequest: "https://github.com/acme/charts/pull/7", Number: 7,
		Images: []Image{{Name: "acme/web", Tag: "1.5.0", Previous: "1.4.0"}, {Name: "acme/api", Tag: "2.0.0"}},
	}
	want := `TAGBUMP_STATE=proposed
TAGBUMP_CHANGED=true
TAGBUMP_CODE=0
TAGBUMP_KIND=
TAGBUMP_ERROR=
TAGBUMP_ENVIRONMENT=
TAGBUMP_IMAGE=acme/web
TAGBUMP_TAG=1.5.0
TAGBUMP_PREVIOUS_TAG=1.4.0
TAGBUMP_DIGEST=
TAGBUMP_COMMIT=
TAGBUMP_COMMIT_URL=
TAGBUMP_PR_URL=https://github.com/acme/charts/pull/7
TAGBUMP_PR_NUMBER=7
TAGBUMP_IMAGE_COUNT=2
TAGBUMP_IMAGES=acme/web:1.5.0,acme/api:2.0.0
TAGBUMP_RESULT_TAG=1.5.0
TAGBUMP_RESULT_COMMIT=
TAGBUMP_IMAGE_1=acme/web
TAGBUMP_TAG_1=1.5.0
TAGBUMP_PREVIOUS_TAG_1=1.4.0
TAGBUMP_DIGEST_1=
TAGBUMP_IMAGE_2=acme/api
TAGBUMP_TAG_2=2.0.0
TAGBUMP_PREVIOUS_TAG_2=
TAGBUMP_DIGEST_2=
`
	if got := lines(two.Variables()); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestAFailureHasItsKindAndText(t *testing.T) {
	failed := Result{State: "failed", ExitCode: 4, Kind: "guard", Error: "values.yaml:3: acme/web:\n1.4.0 is older than the deployed 1.5.0" + strings.Repeat(" x", 400)}
	all := failed.Variables()
	if got := lines(all[:4]); got != "TAGBUMP_STATE=failed\nTAGBUMP_CHANGED=false\nTAGBUMP_CODE=4\nTAGBUMP_KIND=guard\n" {
		t.Errorf("got:\n%s", got)
	}
	text := all[4].Value
	if !strings.HasPrefix(text, "values.yaml:3: acme/web: 1.4.0 is older than the deployed 1.5.0 x") || len(text) > maxError+len("…") {
		t.Errorf("got %q", text)
	}
}

func TestIsVariable(t *testing.T) {
	for name, want := range map[string]bool{
		"TAGBUMP_TAG": true, "TAGBUMP_CHANGED": true, "TAGBUMP_RESULT_TAG": true, "TAGBUMP_TAG_12": true, "TAGBUMP_PREVIOUS_TAG_1": true,
		"TAGBUMP_TAG_0": false, "TAGBUMP_TAG_x": false, "TAGBUMP_TAGS": false, "TAGBUMP_STATE_1": false, "TAG": false, "TAGBUMP_": false, "TAGBUMP_X_1": false,
	} {
		if got := IsVariable(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestCopy(t *testing.T) {
	for name, want := range map[string]string{
		"TAGBUMP_TAG": "TAGBUMP_RESULT_TAG", "TAGBUMP_COMMIT": "TAGBUMP_RESULT_COMMIT",
		"TAGBUMP_STATE": "", "TAG": "", "TAGBUMP_RESULT_TAG": "",
	} {
		if got := Copy(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

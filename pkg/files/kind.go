package files

import (
	"slices"
	"strings"

	"github.com/tagbump/tagbump/pkg/internal/lazyregexp"
)

// A Kind says what a file is for, as far as its path tells.
type Kind int

// Kinds of files; only files of the first one deploy something.
const (
	Deploys  Kind = iota
	CI            // configuration of a CI system
	Test          // tests, their fixtures and their values
	Docs          // documentation, examples, samples, scaffolding
	Compose       // a compose file: runs containers on one machine
	Archive       // put aside and not deployed
	Vendored      // code of others: node_modules and the like
	Hidden        // below a folder, or a file, that begins with a dot
)

var kindWords = [...]string{
	Deploys: "deployed", CI: "CI configuration", Test: "a test", Docs: "documentation or an example",
	Compose: "a compose file", Archive: "archived", Vendored: "a vendored dependency", Hidden: "a hidden file",
}

// String names the kind in words that complete "the file is …".
func (k Kind) String() string { return kindWords[k] }

// KindOf returns the kind of the file at the slash-separated path name.
//
// It only looks at names, so it can be wrong: "docs" may be an application. Two
// rules keep that harmless. A folder directly in one that collects environments
// or applications (overlays/ci, apps/docs) says nothing, and the singular "test"
// is an environment unless its neighbours say otherwise. Callers leave a file out
// only when another one deploys the same image.
func KindOf(name string) Kind {
	parts := strings.Split(strings.ToLower(name), "/")
	last := len(parts) - 1
	for i := range last {
		if kind := kindOfFolder(parts[:last], i); kind != Deploys {
			return kind
		}
	}
	return kindOfFile(parts)
}

// Kind returns the kind of a wanted file. The part of a path that a glob spells
// out says nothing, because it is meant: below the glob "ci/**" the file
// ci/web.yaml deploys, and a file that is named in full always does.
func (s Selection) Kind(name string) Kind {
	if len(s.wanted) == 0 {
		return KindOf(name)
	}
	kind := KindOf(name)
	for _, glob := range s.wanted {
		if kind != Deploys && glob.Match(name) {
			kind = glob.kind(name)
		}
	}
	return kind
}

func (g Glob) kind(name string) Kind {
	if g.literal {
		return Deploys
	}
	return KindOf(strings.TrimPrefix(name, g.base+"/"))
}

// kindOfFolder returns the kind that the folder parts[i] gives to all files below.
func kindOfFolder(parts []string, i int) Kind {
	folder := parts[i]
	if kind, hidden := kindOfHidden(folder); hidden {
		return kind
	}
	bare := strings.Trim(folder, "_")
	switch kind := folders[bare]; {
	case i > 0 && collections[parts[i-1]]:
		return Deploys
	case kind != Deploys:
		return kind
	case bare == "ci" && i == 0:
		return CI
	case bare == "test" && isTestFolder(parts, i):
		return Test
	case bare == "vendor" && i+1 < len(parts) && strings.Contains(parts[i+1], "."): // vendor/github.com/…
		return Vendored
	}
	return kindOfWords(folder)
}

// kindOfHidden returns the kind of a folder that begins with a dot.
func kindOfHidden(folder string) (kind Kind, hidden bool) {
	bare, hidden := strings.CutPrefix(folder, ".")
	if !hidden {
		return Deploys, false
	}
	if kind, known := hiddenFolders[bare]; known {
		return kind, true
	}
	if kind := folders[bare]; kind != Deploys {
		return kind, true
	}
	for _, word := range wordsOf(bare) {
		switch word {
		case "ci":
			return CI, true
		case "test", "tests":
			return Test, true
		}
	}
	return Hidden, true
}

// isTestFolder reports whether the folder "test" holds tests and is no
// environment.
func isTestFolder(parts []string, i int) bool {
	sources := []string{"src", "pkg", "internal", "lib", "cmd"}
	inside := []string{"e2e", "unit", "integration", "acceptance", "fixtures", "testdata", "data", "resources", "kuttl", "chainsaw"}
	return i > 0 && slices.Contains(sources, parts[i-1]) || i+1 < len(parts) && slices.Contains(inside, parts[i+1])
}

// kindOfWords looks for words inside a folder's name: helm-tests, zz-archived.
func kindOfWords(folder string) Kind {
	for _, word := range wordsOf(folder) {
		switch word {
		case "tests", "testdata", "fixtures":
			return Test
		case "archived", "trash", "deprecated", "obsolete":
			return Archive
		}
	}
	return Deploys
}

func wordsOf(name string) []string {
	return strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune("-_. ", r) })
}

var (
	composeFile = lazyregexp.New(`^((docker|podman|container)-)?compose([._-].*)?\.ya?ml$`)
	ciFile      = lazyregexp.New(`^(\.?(gitlab-ci|travis|drone|woodpecker|prow|cirrus|appveyor|wercker|semaphore|circle|buildkite|screwdriver|vela|tekton-ci)|azure-pipelines?([._-].*)?|bitbucket-pipelines|buildspec([._-].*)?|cloudbuild([._-].*)?|codemagic|ct|.*\.gitlab-ci)\.ya?ml$`)
	testFile    = lazyregexp.New(`^((chainsaw|kuttl)-test|\d\d-(assert|errors))\.ya?ml$`)
	oldFile     = lazyregexp.New(`\.(bak|old|orig|disabled|deprecated)\.[a-z]+$`)
	exampleFile = lazyregexp.New(`^(example|sample)s?[._-](.*[._-])?values([._-].*)?\.ya?ml$|^(.*[._-])?values[._-](.*[._-])?(example|sample)s?\.ya?ml$|\.(example|sample)\.[a-z]+$`)
	chartValues = lazyregexp.New(`(^|-)values([.-].*)?\.ya?ml$`) // what chart-testing reads from a chart's ci/
)

func kindOfFile(parts []string) Kind {
	last := len(parts) - 1
	file := parts[last]
	switch {
	case ciFile.MatchString(file):
		return CI
	case composeFile.MatchString(file):
		return Compose
	case testFile.MatchString(file), isChartTest(parts):
		return Test
	case oldFile.MatchString(file):
		return Archive
	case exampleFile.MatchString(file):
		return Docs
	case strings.HasPrefix(file, ".argocd-source"), strings.HasPrefix(file, ".env"):
		return Deploys
	case strings.HasPrefix(file, "."):
		return Hidden
	}
	return Deploys
}

// isChartTest reports whether the file is one of a chart's values for
// chart-testing: CHART/ci/NAME-values.yaml.
func isChartTest(parts []string) bool {
	last := len(parts) - 1
	return last >= 2 && parts[last-1] == "ci" && !collections[parts[last-2]] && chartValues.MatchString(parts[last])
}

// collections are folders whose folders are environments, applications or charts
// and may have any name.
var collections = table(map[bool]string{
	true: "clusters environments envs env overlays regions stages tenants teams namespaces apps applications services " +
		"components workloads releases projects charts helm-charts subcharts",
})

// folders are the names of folders that tell what is in them, with a dot in front
// or without.
var folders = table(map[Kind]string{
	Test:     "tests testdata test-data __tests__ fixtures e2e kuttl chainsaw chainsaw-test unittests testcases mocks",
	Docs:     "docs doc documentation examples example samples sample tutorial tutorials scaffold scaffolds scaffolding skeleton skeletons boilerplate cookiecutter",
	Archive:  "archive archives archived trash trashbox old obsolete deprecated attic graveyard retired unused disabled bak",
	Vendored: "node_modules bower_components jspm_packages site-packages",
})

// hiddenFolders are names that tell what is in a folder when a dot is in front of
// them. Without it, most are the names of products.
var hiddenFolders = table(map[Kind]string{
	Deploys: "argocd argo flux fleet k8s kube kubernetes deploy deployment deployments helm charts kustomize manifests gitops infra werf nais do aws",
	CI:      "github gitlab gitea forgejo circleci woodpecker buildkite azure-pipelines azuredevops tekton drone semaphore cirrus teamcity concourse prow",
})

// table turns lists of words into a map from word to value.
func table[V comparable](lists map[V]string) map[string]V {
	values := map[string]V{}
	for value, words := range lists {
		for _, word := range strings.Fields(words) {
			values[word] = value
		}
	}
	return values
}

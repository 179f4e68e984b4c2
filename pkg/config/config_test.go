package config

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
	"github.com/tagbump/tagbump/pkg/keypath"
	"github.com/tagbump/tagbump/pkg/policy"
)

// whole has every key that there is.
const whole = `# .tagbump.yaml
repository: https://github.com/acme/helm-charts.git
branch: main
commit:
  author: Acme CI <ci@acme.example>
  message: "[skip ci] {{.Subject}}"
notify: {on: failure, format: slack, text: "{{.Subject}}, by {{.TriggeredBy}}"}
images:
  haoict/send2ereader:
    match: ^master-(?P<stamp>\d{12})$
    extract: $stamp
    order: numerical
    platforms: [linux/arm64]
  ghcr.io/acme/web:
    semver: ">=1.2"
    as: [web, mirror.acme.example/acme/web]
    path: backend.image.tag
environments:
  staging:
    files: [send2ereader/values-staging.yaml]
    branch: staging
  production:
    files: [send2ereader/deployment.yaml, "charts/**/*.{yaml,yml}"]
    from: staging
    set:
      - {file: send2ereader/Chart.yaml, path: appVersion, value: "{{.Tag}}"}
    publish: pull-request
    argocd: {application: send2ereader}
`

func mustPath(text string) keypath.Path {
	path, err := keypath.Parse(text)
	if err != nil {
		panic(err)
	}
	return path
}

func TestParseReadsEveryKey(t *testing.T) {
	want := &Config{
		Repository: "https://github.com/acme/helm-charts.git",
		Branch:     "main",
		Commit:     Commit{Author: "Acme CI <ci@acme.example>", Message: "[skip ci] {{.Subject}}"},
		Notify:     Notify{On: "failure", Format: "slack", Text: "{{.Subject}}, by {{.TriggeredBy}}"},
		Images: map[string]Image{
			"haoict/send2ereader": {
				Rule:      policy.Rule{Match: `^master-(?P<stamp>\d{12})$`, Extract: "$stamp", Order: "numerical"},
				Platforms: []string{"linux/arm64"},
			},
			"ghcr.io/acme/web": {
				Rule:  policy.Rule{Semver: ">=1.2"},
				As:    []string{"web", "mirror.acme.example/acme/web"},
				Paths: []keypath.Path{mustPath("backend.image.tag")},
			},
		},
		Environments: map[string]Environment{
			"staging": {
				Files:   []string{"send2ereader/values-staging.yaml"},
				Branch:  "staging",
				Publish: Push,
			},
			"production": {
				Files:   []string{"send2ereader/deployment.yaml", "charts/**/*.{yaml,yml}"},
				Branch:  "main",
				From:    "staging",
				Set:     []Set{{File: "send2ereader/Chart.yaml", Path: mustPath("appVersion"), Value: "{{.Tag}}"}},
				Publish: PullRequest,
				ArgoCD:  &ArgoCD{Applications: []string{"send2ereader"}},
			},
		},
	}
	for spelling, src := range map[string]string{
		"as written": whole,
		"CRLF":       strings.ReplaceAll(whole, "\n", "\r\n"),
		"BOM":        "\ufeff" + whole,
	} {
		got, err := Parse(FileName, []byte(src))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", spelling, got, err, want)
		}
	}
}

// accepted are files without a problem, each for one rule.
var accepted = []struct{ name, src string }{
	{"only a repository", "repository: ../charts\n"},
	{"ssh with a user", "repository: ssh://git@github.com/acme/charts.git\n"},
	{"ssh as scp writes it", "repository: git@github.com:acme/charts.git\n"},
	{"an image without a policy", "images:\n  nginx: {}\n"},
	{"a registry with a port", "images:\n  localhost:5000/app: {order: newest}\n"},
	{"a platform's variant", "images:\n  nginx: {platforms: [linux/arm/v7]}\n"},
	{"an alias", "images:\n  acme/api: &policy {order: newest}\n  acme/web: *policy\n"},
	{"a number in quotes", "branch: \"1.0\"\n"},
	{"a word that old YAML read as true", "environments:\n  on: {files: [a.yaml], branch: yes}\n"},
	{"a branch in folders", "branch: release/1.x\n"},
	{"names and paths, one and several", "images:\n  acme/a: {as: a, path: a.tag}\n  acme/b: {as: [b, mirror/b], path: [b.tag, \"spec.containers[name=b].image\"]}\n"},
	{"names by environment", "images:\n  acme/a: {as: {x: eu.acme.example/a, y: [us.acme.example/a, a]}}\nenvironments: {x: {files: [x]}, y: {files: [y]}}\n"},
	{"a block scalar", "images:\n  nginx:\n    match: |-\n      ^v\n"},
}

func TestParseAccepts(t *testing.T) {
	for _, test := range accepted {
		if _, err := Parse(FileName, []byte(test.src)); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestParseFollowsAliases(t *testing.T) {
	config, err := Parse(FileName, []byte("images:\n  acme/api: &policy {order: newest}\n  acme/web: *policy\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := config.Images["acme/web"].Order; got != "newest" {
		t.Errorf("order of acme/web: %q", got)
	}
}

// by says who sees a problem: some rules are beyond a JSON Schema, and some
// problems do not survive the way from YAML to JSON.
type by int

const (
	both   by = iota // the schema refuses the file too
	onlyGo           // the schema accepts the file, or cannot be asked
)

var refused = []struct {
	name, src, want string
	by              by
}{
	{
		"unknown keys", "repo: x\nimages:\n  haoict/send2ereader:\n    machs: ^v\n    foobar: 1\nenvironments:\n  a:\n    file: [x]\n",
		`.tagbump.yaml:1:1: repo: unknown key; did you mean "repository"?
.tagbump.yaml:4:5: images.haoict/send2ereader.machs: unknown key; did you mean "match"?
.tagbump.yaml:5:5: images.haoict/send2ereader.foobar: unknown key; known are as, extract, match, order, path, platforms and semver
.tagbump.yaml:8:5: environments.a.file: unknown key; did you mean "files"?
.tagbump.yaml:8:5: environments.a.files: is missing`, both,
	},
	{
		"unknown keys of argocd", "environments:\n  a:\n    files: [x]\n    argocd: {application: web, sever: x}\n",
		`.tagbump.yaml:4:32: environments.a.argocd.sever: unknown key; did you mean "server"?`, both,
	},
	{
		"wrong values of argocd", "environments:\n  a:\n    files: [x]\n    argocd: {application: Web, applications: [a/b/c], project: a b, server: \"https://u:p@h\"}\n",
		`.tagbump.yaml:4:27: environments.a.argocd.application: "Web": not an application; write NAME, or NAMESPACE/NAME
.tagbump.yaml:4:47: environments.a.argocd.applications[0]: "a/b/c": not an application; write NAME, or NAMESPACE/NAME
.tagbump.yaml:4:64: environments.a.argocd.project: "a b": not a name of Kubernetes; use small letters, digits, and . - between them
.tagbump.yaml:4:77: environments.a.argocd.server: not a server; write HOST, HOST:PORT or https://HOST`, both,
	},
	{
		"wrong case", "Images:\n  nginx: {Order: semver}\n",
		`.tagbump.yaml:1:1: Images: unknown key; did you mean "images"?`, both,
	},
	{
		"wrong types", "repository: [x]\nbranch: 1.20\nimages: [nginx]\nenvironments:\n  a: {files: x.yaml, publish: true, argocd: web}\n",
		`.tagbump.yaml:1:13: repository: is a list; text is wanted
.tagbump.yaml:2:9: branch: is a number; for text, write "1.20"
.tagbump.yaml:3:9: images: is a list; a mapping is wanted
.tagbump.yaml:5:14: environments.a.files: is text; a list is wanted
.tagbump.yaml:5:31: environments.a.publish: is true or false; for text, write "true"
.tagbump.yaml:5:45: environments.a.argocd: is text; a mapping is wanted`, both,
	},
	{
		"a date", "branch: 2024-06-15\n",
		`.tagbump.yaml:1:9: branch: is a date; for text, write "2024-06-15"`, onlyGo,
	},
	{
		"a tag of its own", "branch: !secret x\n",
		`.tagbump.yaml:1:9: branch: is a value with the tag "!secret"; for text, write "x"`, onlyGo,
	},
	{
		"not a mapping", "- nginx\n",
		`.tagbump.yaml:1:1: is a list; a mapping is wanted`, both,
	},
	{
		"empty values", "repository:\nbranch: \"\"\nimages: {}\nenvironments:\n  a: {files: []}\n  b: {files: [\" \"], publish: , argocd: {}}\n  c:\n",
		`.tagbump.yaml:1:12: repository: is empty
.tagbump.yaml:2:9: branch: is empty
.tagbump.yaml:3:9: images: is empty
.tagbump.yaml:5:14: environments.a.files: is empty
.tagbump.yaml:6:15: environments.b.files[0]: is empty
.tagbump.yaml:6:30: environments.b.publish: is empty
.tagbump.yaml:6:40: environments.b.argocd: is empty
.tagbump.yaml:7:5: environments.c: is empty`, both,
	},
	{"nothing", "", `.tagbump.yaml: the file is empty`, onlyGo},
	{"a comment only", "# later\n", `.tagbump.yaml: the file is empty`, onlyGo},
	{"an empty document", "---\n", `.tagbump.yaml:2:1: is empty`, both},
	{
		"an image without a value", "images:\n  nginx:\n",
		`.tagbump.yaml:2:9: images.nginx: is empty`, both,
	},
	{
		"keys that appear twice", "branch: a\nbranch: b\nimages:\n  nginx: {order: semver, order: newest}\n  nginx: {}\n",
		`.tagbump.yaml:2:1: branch: appears twice (first on line 1)
.tagbump.yaml:4:26: images.nginx.order: appears twice (first on line 4)
.tagbump.yaml:5:3: images.nginx: appears twice (first on line 4)`, onlyGo,
	},
	{
		"one repository in two spellings", "images:\n  nginx: {}\n  docker.io/library/nginx: {}\n",
		`.tagbump.yaml:3:3: images.docker.io/library/nginx: the same repository as "nginx" (line 2)`, onlyGo,
	},
	{
		"policies that make no sense", `images:
  acme/api: {match: "^v(", order: natural}
  acme/cron:
    match: ^(?P<day>\d+)-
    extract: $date
  acme/docs:
    semver: ">=one"
  acme/jobs: {extract: $1, order: numerical}
  acme/web:
    order: numerical
    semver: "1"
`,
		`.tagbump.yaml:2:21: images.acme/api.match: "^v(": missing closing )
.tagbump.yaml:5:14: images.acme/cron.extract: "$date": match has no group "date", only $0, $1, $day
.tagbump.yaml:7:13: images.acme/docs.semver: ">=one" is not a range of versions, such as ">=1.2 <2" or "1.x"
.tagbump.yaml:8:24: images.acme/jobs.extract: "$1" needs match, whose groups it names
.tagbump.yaml:11:13: images.acme/web.semver: "1" goes with order semver only, and order is numerical`, onlyGo,
	},
	{
		"names and paths that are none", "images:\n  acme/web:\n    as: [web:1, ok]\n    path: [a.tag, \"a[\"]\n  acme/api: {as: {}, path: true}\n",
		`.tagbump.yaml:3:10: images.acme/web.as[0]: has a tag or digest; write "web"
.tagbump.yaml:4:19: images.acme/web.path[1]: "a[" is not a key path: a key is missing here at character 3
.tagbump.yaml:5:18: images.acme/api.as: is empty
.tagbump.yaml:5:28: images.acme/api.path: is true or false; for text, write "true"`, onlyGo,
	},
	{
		"a policy behind an alias", "images:\n  a/b: &p\n    match: \"[\"\n  a/c: *p\n",
		`.tagbump.yaml:3:12: images.a/b.match: "[": missing closing ]
.tagbump.yaml:3:12: images.a/c.match: "[": missing closing ]`, onlyGo,
	},
	{
		"environments that tags come from", "environments:\n  staging: {files: [a]}\n  production: {files: [b], from: stagign}\n  dev:\n    files: [c]\n    from: test\n",
		`.tagbump.yaml:3:34: environments.production.from: no environment "stagign"; did you mean "staging"?
.tagbump.yaml:6:11: environments.dev.from: no environment "test"; known are dev, production and staging`, onlyGo,
	},
	{
		"further values that are wrong", "environments:\n  a:\n    files: [x]\n    set:\n    - {file: \"*/Chart.yaml\", path: appVersion, value: 1}\n    - {file: /Chart.yaml, path: \"a[\", valeu: x}\n    - Chart.yaml\n  b: {files: [x], set: {file: x}}\n",
		`.tagbump.yaml:5:14: environments.a.set[0].file: "*/Chart.yaml": must name one file, without wildcards
.tagbump.yaml:5:55: environments.a.set[0].value: is a number; for text, write "1"
.tagbump.yaml:6:7: environments.a.set[1].value: is missing
.tagbump.yaml:6:14: environments.a.set[1].file: "/Chart.yaml": must be relative to the repository's root
.tagbump.yaml:6:33: environments.a.set[1].path: "a[" is not a key path: a key is missing here at character 3
.tagbump.yaml:6:39: environments.a.set[1].valeu: unknown key; did you mean "value"?
.tagbump.yaml:7:7: environments.a.set[2]: is text; a mapping is wanted
.tagbump.yaml:8:24: environments.b.set: is a mapping; a list is wanted`, both,
	},
	{
		"a notification that cannot be", "notify:\n  on: sometimes\n  format: mail\n  url: https://hooks.slack.com/services/x\n",
		`.tagbump.yaml:2:7: notify.on: "sometimes": unknown value; known are changes, failure and always
.tagbump.yaml:3:11: notify.format: "mail": unknown value; known are slack, teams and json
.tagbump.yaml:4:3: notify.url: unknown key; known are format, on and text`, both,
	},
	{
		"a placeholder of a notification", "notify: {text: \"{{.Password}}\"}\n",
		`.tagbump.yaml:1:16: notify.text: "{{.Password}}" is not a placeholder`, onlyGo,
	},
	{
		"an author without an address", "commit: {author: Acme CI}\n",
		`.tagbump.yaml:1:18: commit.author: "Acme CI" is not of the form "Name <name@example.com>"`, onlyGo,
	},
	{
		"a tag that would break a line", "branch: !%0a 0\n",
		`.tagbump.yaml:1:9: branch: is a value with the tag "!\n"; for text, write "0"`, onlyGo,
	},
	{
		"images that are none", "images:\n  Nginx: {}\n  nginx:1.27: {}\n  https://ghcr.io/acme/web: {}\n  a b: {}\n",
		`.tagbump.yaml:2:3: images.Nginx: repository "Nginx": upper case is not allowed
.tagbump.yaml:3:3: images.nginx:1.27: has a tag or digest; write "nginx"
.tagbump.yaml:4:3: images.https://ghcr.io/acme/web: repository "https://ghcr.io/acme/web": an image's name has no scheme such as https://
.tagbump.yaml:5:3: images."a b": repository "a b": a name has no blanks`, both,
	},
	{
		"values that are not to choose from", "images:\n  nginx: {order: semvr}\n  redis: {order: latest}\nenvironments:\n  a: {files: [x], publish: pr}\n",
		`.tagbump.yaml:2:18: images.nginx.order: "semvr": unknown value; did you mean "semver"?
.tagbump.yaml:3:18: images.redis.order: "latest": unknown value; known are semver, numerical, alphabetical, natural, calver and newest
.tagbump.yaml:5:28: environments.a.publish: "pr": unknown value; known are auto, pull-request and push`, both,
	},
	{
		"platforms that are none", "images:\n  nginx: {platforms: [arm64, linux/arm64/, Linux/amd64]}\n",
		`.tagbump.yaml:2:23: images.nginx.platforms[0]: "arm64": not a platform; write OS/ARCH, such as linux/arm64
.tagbump.yaml:2:30: images.nginx.platforms[1]: "linux/arm64/": not a platform; write OS/ARCH, such as linux/arm64
.tagbump.yaml:2:44: images.nginx.platforms[2]: "Linux/amd64": not a platform; write OS/ARCH, such as linux/arm64`, both,
	},
	{
		"globs that match nothing", "environments:\n  a:\n    files:\n    - web/[a.yaml\n    - /web/values.yaml\n    - ../values.yaml\n    - ./web//values.yaml\n    - .\n",
		`.tagbump.yaml:4:7: environments.a.files[0]: "web/[a.yaml": is not a glob
.tagbump.yaml:5:7: environments.a.files[1]: "/web/values.yaml": must be relative to the repository's root
.tagbump.yaml:6:7: environments.a.files[2]: "../values.yaml": must not leave the repository
.tagbump.yaml:7:7: environments.a.files[3]: "./web//values.yaml": write "web/values.yaml"
.tagbump.yaml:8:7: environments.a.files[4]: ".": names no file; write **/*.yaml for all`, both,
	},
	{
		"environments' names", "environments:\n  -x: {files: [a]}\n  a/b: {files: [a]}\n  1: {files: [a]}\n",
		`.tagbump.yaml:2:3: environments.-x: not an environment's name; use letters, digits, and . _ - between them
.tagbump.yaml:3:3: environments.a/b: not an environment's name; use letters, digits, and . _ - between them
.tagbump.yaml:4:3: environments.1: the key is a number; put it in quotes`, both,
	},
	{
		"branches that git does not allow", "branch: refs/heads/main\nenvironments:\n  a: {files: [x], branch: --force}\n  b: {files: [x], branch: a..b}\n",
		`.tagbump.yaml:1:9: branch: "refs/heads/main": write the short name, "main"
.tagbump.yaml:3:27: environments.a.branch: "--force": git does not allow this as a branch's name
.tagbump.yaml:4:27: environments.b.branch: "a..b": git does not allow this as a branch's name`, onlyGo,
	},
	{
		"a token in the repository's URL", "repository: https://ghp_secret@github.com/acme/charts.git\n",
		`.tagbump.yaml:1:13: repository: has credentials in it; they belong in the environment (GITHUB_TOKEN)`, onlyGo,
	},
	{
		"a password in a URL of ssh", "repository: ssh://git:secret@github.com/acme/charts.git\n",
		`.tagbump.yaml:1:13: repository: has a password, which ssh does not take from a URL`, onlyGo,
	},
	{
		"a password in what is no URL", "repository: https://user:secret@git hub.com/acme\n",
		`.tagbump.yaml:1:13: repository: is not a URL`, onlyGo,
	},
	{
		"merge keys", "images:\n  a/b: &p {order: newest}\n  a/c:\n    <<: *p\n",
		`.tagbump.yaml:4:5: images.a/c.<<: merge keys are not supported; write the keys out, or use an alias for the whole value`, onlyGo,
	},
	{
		"a problem behind an alias", "images:\n  a/b: &p {order: nil}\n  a/c: *p\n",
		`.tagbump.yaml:2:19: images.a/b.order: "nil": unknown value; known are semver, numerical, alphabetical, natural, calver and newest
.tagbump.yaml:2:19: images.a/c.order: "nil": unknown value; known are semver, numerical, alphabetical, natural, calver and newest`, onlyGo,
	},
	{
		"an alias inside its own anchor", "images: &a\n  nginx: *a\n",
		`.tagbump.yaml:2:3: images.nginx.nginx: unknown key; known are as, extract, match, order, path, platforms and semver`, onlyGo,
	},
	{
		"keys that are no text", "images:\n  [a]: {}\n  ~: {}\n  \"\": {}\n  &x b: {}\n  *x : {}\n",
		`.tagbump.yaml:2:3: images: a key is a list; text is wanted
.tagbump.yaml:3:3: images.~: the key is null; put it in quotes
.tagbump.yaml:4:3: images: a key is empty
.tagbump.yaml:6:3: images: a key is an alias; text is wanted`, onlyGo,
	},
	{
		"a second document", "branch: a\n---\nbranch: b\n",
		`.tagbump.yaml:3:1: a second document begins here; the file must be one document`, onlyGo,
	},
	{
		"a tab", "images:\n\tnginx: {}\n",
		`.tagbump.yaml:2: not YAML: found character that cannot start any token; is there a tab? indents are blanks`, onlyGo,
	},
	{
		"an anchor that is not there", "branch: *main\n",
		`.tagbump.yaml: not YAML: unknown anchor 'main' referenced`, onlyGo,
	},
}

func TestParseRefuses(t *testing.T) {
	for _, test := range refused {
		config, err := Parse(FileName, []byte(test.src))
		if err == nil || config != nil || err.Error() != test.want {
			t.Errorf("%s: %+v\n%v\nwant\n%s", test.name, config, err, test.want)
		}
		if !errors.Is(err, ErrInvalid) || fault.KindOf(err) != fault.Usage {
			t.Errorf("%s: the error is not ErrInvalid, or not of its kind", test.name)
		}
	}
}

func TestTheRepositoryIsAnAddressWithoutCredentials(t *testing.T) {
	for _, test := range testenv.Addresses(t) {
		want := test.Problem
		if test.Credentials {
			want = "has credentials in it; they belong in the environment (GITHUB_TOKEN)"
		}
		_, err := Parse(FileName, fmt.Appendf(nil, "repository: %q\n", test.Raw))
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != ".tagbump.yaml:1:13: repository: "+want) {
			t.Errorf("%s:\n got %v\nwant %s", test.Raw, err, want)
		}
	}
}

func TestProblemsCanBeTakenApart(t *testing.T) {
	_, err := Parse("dir/own.yaml", []byte("branch: main\norder: newest\n"))
	want := Problems{{
		File: "dir/own.yaml", Line: 2, Column: 1, Key: "order",
		What: "unknown key; known are branch, commit, environments, forge, images, notify, pull-request and repository",
	}}
	var got Problems
	if !errors.As(err, &got) || !slices.Equal(got, want) {
		t.Errorf("%+v; want %+v", got, want)
	}
}

func TestAliasesCannotBlowUp(t *testing.T) {
	src := new(strings.Builder)
	fmt.Fprintf(src, "images:\n  acme/first: &p {platforms: [%s]}\n", strings.Repeat("linux/arm64, ", 5000))
	for i := range 5000 {
		fmt.Fprintf(src, "  acme/web%04d: *p\n", i)
	}
	_, err := Parse(FileName, []byte(src.String()))
	if want := ".tagbump.yaml:22:17: aliases repeat more than 100000 values"; err == nil || err.Error() != want {
		t.Errorf("%.200v; want %s", err, want)
	}
}

// TestAManyTimesAliasedListIsCountedOnce fails by its time when each alias counts
// the list anew.
func TestAManyTimesAliasedListIsCountedOnce(t *testing.T) {
	src := new(strings.Builder)
	fmt.Fprintf(src, "x: &big [%s1]\nimages:\n", strings.Repeat("1,", 20_000))
	for i := range 10_000 {
		fmt.Fprintf(src, "  a%d: *big\n", i)
	}
	r := &reader{aliased: maxAliased, sizes: make(map[*yaml.Node]int)}
	documents, err := decode([]byte(src.String()))
	if err != nil {
		t.Fatal(err)
	}
	visits := 0
	for _, value := range documents[0].Content[3].Content {
		if value.Kind == yaml.AliasNode {
			r.size(value.Alias)
			visits++
		}
	}
	if visits != 10_000 || len(r.sizes) != 1 {
		t.Errorf("%d aliases, %d counted lists", visits, len(r.sizes))
	}
}

func TestAFileThatIsTooLargeIsRefused(t *testing.T) {
	_, err := Parse(FileName, append([]byte("branch: main\n#"), make([]byte, MaxSize)...))
	if want := ".tagbump.yaml: the file is larger than 1024 KiB"; err == nil || err.Error() != want {
		t.Errorf("got %v; want %s", err, want)
	}
}

func TestSomeProblemsAreToldAndNotAll(t *testing.T) {
	src := new(strings.Builder)
	for i := range 5000 {
		fmt.Fprintf(src, "key%d: x\n", i)
	}
	var got Problems
	_, err := Parse(FileName, []byte(src.String()))
	if !errors.As(err, &got) || len(got) != maxProblems+1 {
		t.Fatalf("%d problems", len(got))
	}
	if want := ".tagbump.yaml:101:1: there are more problems from here on"; got[maxProblems].Error() != want {
		t.Errorf("the last one is %v; want %s", got[maxProblems], want)
	}
}

// TestErrorsKeepAFileThatWasNamedByMistake holds that a file of secrets, given as
// the project file, is not shown.
func TestErrorsKeepAFileThatWasNamedByMistake(t *testing.T) {
	for name, src := range map[string]string{
		"a netrc":           "machine git.example\n  login ci\n  password hunter2secret\n",
		"a private key":     "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2secret\n-----END OPENSSH PRIVATE KEY-----\n",
		"an env file":       "TOKEN=hunter2secret\n",
		"a docker config":   `{"auths": {"ghcr.io": {"auth": "hunter2secret"}}}`,
		"AWS's credentials": "[default]\naws_secret_access_key = hunter2secret\n",
		"a YAML of secrets": "password: hunter2secret\ntoken: !x hunter2secret\n",
		"a token alone":     "hunter2secret\n",
	} {
		if _, err := Parse(FileName, []byte(src)); err == nil || strings.Contains(err.Error(), "hunter2secret") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestImageIsFoundAsRegistriesMeanIt(t *testing.T) {
	config := &Config{Images: map[string]Image{
		"docker.io/library/nginx": {Rule: policy.Rule{Order: "newest"}},
		"ghcr.io/acme/web":        {Rule: policy.Rule{Semver: "1"}},
	}}
	for _, test := range []struct {
		repository string
		want       Image
		found      bool
	}{
		{"nginx", Image{Rule: policy.Rule{Order: "newest"}}, true},
		{"docker.io/library/nginx", Image{Rule: policy.Rule{Order: "newest"}}, true},
		{"GHCR.io/acme/web", Image{Rule: policy.Rule{Semver: "1"}}, true},
		{"acme/web", Image{}, false},
		{"ghcr.io/acme/web-worker", Image{}, false},
	} {
		got, found := config.Image(test.repository)
		if found != test.found || !reflect.DeepEqual(got, test.want) {
			t.Errorf("Image(%q) = %+v, %v; want %+v, %v", test.repository, got, found, test.want, test.found)
		}
	}
}

func TestNamesAreSorted(t *testing.T) {
	config, err := Parse(FileName, []byte(whole))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := config.ImageNames(), []string{"ghcr.io/acme/web", "haoict/send2ereader"}; !slices.Equal(got, want) {
		t.Errorf("images %q; want %q", got, want)
	}
	if got, want := config.EnvironmentNames(), []string{"production", "staging"}; !slices.Equal(got, want) {
		t.Errorf("environments %q; want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	for _, test := range accepted {
		f.Add([]byte(test.src))
	}
	for _, test := range refused {
		f.Add([]byte(test.src))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		config, err := Parse(FileName, src)
		if (config == nil) == (err == nil) {
			t.Fatalf("config %v, error %v: want one of them", config, err)
		}
		var problems Problems
		if err != nil && (!errors.As(err, &problems) || len(problems) == 0) {
			t.Fatalf("error without problems: %v", err)
		}
		for _, problem := range problems {
			if problem.What == "" || problem.Line < 0 || strings.Contains(problem.Error(), "\n") {
				t.Fatalf("%q", problem.Error())
			}
		}
	})
}

func TestPullRequestsLookAsTheEnvironmentSaysElseAsTheFile(t *testing.T) {
	config, err := Parse(FileName, []byte(`forge: {type: gitlab, api: "https://git.acme.example/api/v4"}
pull-request: {title: "{{.Subject}}", labels: [deploy], draft: true, auto-merge: true, base: main, preview: argocd}
environments:
  staging: {files: [a.yaml]}
  production:
    files: [b.yaml]
    pull-request: {body: "{{.Changes}}", labels: [production], draft: false, branch: deploy/production}
`))
	if err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	common := Proposal{Title: "{{.Subject}}", Labels: []string{"deploy"}, Draft: &yes, AutoMerge: &yes, Base: "main", Preview: PreviewArgoCD}
	own := Proposal{Title: "{{.Subject}}", Body: "{{.Changes}}", Labels: []string{"production"}, Draft: &no, AutoMerge: &yes, Base: "main", Branch: "deploy/production", Preview: PreviewArgoCD}
	if got := config.Environments["staging"].PullRequest; !reflect.DeepEqual(got, common) {
		t.Errorf("staging: %+v", got)
	}
	if got := config.Environments["production"].PullRequest; !reflect.DeepEqual(got, own) {
		t.Errorf("production: %+v", got)
	}
	if config.Forge != (Forge{"gitlab", "https://git.acme.example/api/v4"}) {
		t.Errorf("forge: %+v", config.Forge)
	}
}

func TestWrongPullRequestsAndForges(t *testing.T) {
	for src, want := range map[string]string{
		"pull-request: {title: \"a\\nb\"}":                    "1:23: pull-request.title: has more than one line",
		"pull-request: {draft: \"yes\"}":                      "1:23: pull-request.draft: is text; write true or false",
		"pull-request: {base: \"a b\"}":                       "1:22: pull-request.base: \"a b\": git does not allow this as a branch's name",
		"pull-request: {reviewer: [ada]}":                     "1:16: pull-request.reviewer: unknown key; did you mean \"reviewers\"?",
		"pull-request: {preview: flux}":                       "1:25: pull-request.preview: \"flux\": unknown value; only argocd is known",
		"forge: {type: gitlap}":                               "1:15: forge.type: \"gitlap\": unknown value; did you mean \"gitlab\"?",
		"forge: {api: \"https://git.acme.example\"}":          "1:8: forge.type: is missing",
		"forge: {type: gitea, api: git.acme.example}":         "1:27: forge.api: must begin with https:// and a host",
		"forge: {type: gitea, api: \"https://a:b@acme.com\"}": "1:27: forge.api: has credentials in it; they belong in the environment",
	} {
		_, err := Parse("f", []byte(src))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v\nwant %s", src, err, want)
		}
	}
}

package image

import (
	"errors"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/fault"
)

const digest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParseKeepsTheSpelling(t *testing.T) {
	for _, test := range []struct {
		text string
		want Ref
	}{
		{"nginx", Ref{Repository: "nginx"}},
		{"nginx:1.27", Ref{Repository: "nginx", Tag: "1.27"}},
		{"haoict/send2ereader:master-202406151230", Ref{Repository: "haoict/send2ereader", Tag: "master-202406151230"}},
		{"localhost:5000/app", Ref{Repository: "localhost:5000/app"}},
		{"localhost:5000/app:1", Ref{Repository: "localhost:5000/app", Tag: "1"}},
		{"ghcr.io/acme/web:v1@" + digest, Ref{Repository: "ghcr.io/acme/web", Tag: "v1", Digest: digest}},
		{"web@" + digest, Ref{Repository: "web", Digest: digest}},
		{"a/b__c.d-e---f:_", Ref{Repository: "a/b__c.d-e---f", Tag: "_"}},
	} {
		got, err := Parse(test.text)
		if err != nil || got != test.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", test.text, got, err, test.want)
		}
		if got.String() != test.text {
			t.Errorf("Parse(%q).String() = %q", test.text, got)
		}
	}
}

func TestParseRefusesWhatNoRegistryTakes(t *testing.T) {
	for text, part := range map[string]string{
		"":                                  "the repository is empty",
		":1":                                "the repository is empty",
		"Nginx":                             "upper case",
		"nginx:":                            "the tag is empty",
		"nginx:a b":                         `tag "a b"`,
		"nginx:-1":                          `tag "-1": must begin with a letter, a digit or _`,
		"nginx:" + strings.Repeat("x", 129): "has more than 128 characters",
		"nginx@":                            `digest ""`,
		"nginx@sha256:12":                   `digest "sha256:12"`,
		"a//b":                              `repository "a//b"`,
		"https://ghcr.io/acme/web":          `repository "https://ghcr.io/acme/web": an image's name has no scheme such as https://`,
		"acme/web:feature/dark":             `"acme/web:feature/dark": tag "feature/dark": only letters a-z and A-Z, digits and the signs . _ - are allowed`,
		"ghcr.io/acme/web:Feature/a/b":      `tag "Feature/a/b": only letters`,
		"localhost:5000/web:feature/dark":   `tag "feature/dark": only letters`,
		"web:feature/dark":                  `tag "feature/dark": only letters`,
		"localhost:5000/Web":                `repository "localhost:5000/Web": upper case is not allowed`,
		"acme/web:1:2":                      `repository "acme/web:1": there are two tags`,
		"acme /web":                         `repository "acme /web": a name has no blanks`,
		"nginx:mästér":                      `tag "mästér": only letters a-z and A-Z, digits and the signs . _ - are allowed`,
		"bad_host.x/app":                    `repository "bad_host.x/app"`,
	} {
		_, err := Parse(text)
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), part) {
			t.Errorf("Parse(%q): %v; want ErrInvalid with %q", text, err, part)
		}
	}
}

// What people often write instead of a reference gets the right spelling. A branch's
// name is given as a tag by many; its images have another one.
func TestWhatWasMeantIsAHint(t *testing.T) {
	for text, want := range map[string]string{
		"acme/web:feature/dark":       "is it a branch? most CI systems tag its image feature-dark",
		"acme/web:renovate/a/b-2.x":   "is it a branch? most CI systems tag its image renovate-a-b-2.x",
		"acme/web:feature/mästér":     "",
		"acme/web:a b":                "",
		"acme/web:feature/dark:mode":  "",
		"https://ghcr.io/acme/web":    "leave the scheme out: ghcr.io/acme/web",
		"https://ghcr.io/acme/web:1a": "leave the scheme out: ghcr.io/acme/web",
		"https://ghcr.io/acme/web:":   "leave the scheme out: ghcr.io/acme/web",
		"docker.io/acme/web/":         "leave the slash at its end out: docker.io/acme/web",
		"acme/web=1.2":                "a tag comes after a colon: acme/web:1.2",
		"GHCR.io/Acme/web:1":          "did you mean GHCR.io/acme/web?",
		"acme/web@1.2":                "a tag comes after a colon, and not after an @",
		"acme/web:1.2\r":              "it ends with a carriage return, as lines of Windows do; without it: 1.2",
		"acme/web:1,acme/api:2":       "several images have blanks between them, and no commas",
		"acme/web:${TAG}":             "is it a placeholder that was not filled in? a shell fills in variables between double quotes only",
	} {
		_, err := Parse(text)
		if got := fault.HintOf(err); err == nil || got != want {
			t.Errorf("Parse(%q): %v, hint %q; want %q", text, err, got, want)
		}
	}
}

func TestSameRepositoryAsRegistriesMeanIt(t *testing.T) {
	for _, test := range []struct {
		a, b string
		want bool
	}{
		{"nginx", "docker.io/library/nginx", true},
		{"nginx", "index.docker.io/library/nginx", true},
		{"acme/api", "docker.io/acme/api", true},
		{"GHCR.io/acme/api", "ghcr.io/acme/api", true},
		{"acme/api", "acme/api-worker", false},
		{"acme/api", "api", false},
		{"acme/api", "quay.io/acme/api", false},
		{"localhost/api", "api", false},
	} {
		if got := SameRepository(test.a, test.b); got != test.want {
			t.Errorf("SameRepository(%q, %q) = %v", test.a, test.b, got)
		}
	}
}

func TestBaseName(t *testing.T) {
	for repository, want := range map[string]string{"nginx": "nginx", "ghcr.io/acme/web": "web"} {
		if got := BaseName(repository); got != want {
			t.Errorf("BaseName(%q) = %q", repository, got)
		}
	}
}

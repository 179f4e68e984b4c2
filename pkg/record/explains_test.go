package record_test

import (
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/record"
)

var (
	oldDigest = "sha256:" + strings.Repeat("a", 64)
	newDigest = "sha256:" + strings.Repeat("b", 64)
)

// bumped is a commit that set acme/web from 1 to 2.
func bumped(lines ...string) record.Message {
	return record.Message{
		Text: "bump acme/web to 2\n\n" + strings.Join(lines, "\n"),
		Images: []record.Image{{
			Ref:      image.Ref{Repository: "docker.io/acme/web", Tag: "2", Digest: newDigest},
			Previous: []string{"1", "1-rc"},
		}},
	}
}

func TestExplains(t *testing.T) {
	for name, test := range map[string]struct {
		message       record.Message
		before, after string
		want          bool
	}{
		"a tag":                          {bumped(), "web:\n  tag: 1\nreplicas: 1\n", "web:\n  tag: 2\nreplicas: 1\n", true},
		"quotes that a tag needs":        {bumped(), "tag: 1-rc # pinned\n", "tag: \"2\" # pinned\n", true},
		"a whole reference":              {bumped(), "- acme/web:1@" + oldDigest + "\n", "- acme/web:2@" + newDigest + "\n", true},
		"a digest of its own":            {bumped(), "digest: " + oldDigest + "\n", "digest: " + newDigest + "\n", true},
		"a variable":                     {bumped(), "WEB=acme/web:1\n", "WEB=acme/web:2\n", true},
		"two places on one line":         {bumped(), "{image: a/web:1, tag: 1}\n", "{image: a/web:2, tag: 2}\n", true},
		"a tag that was missing":         {bumped(), "image: acme/web\n", "image: acme/web:2\n", true},
		"an empty tag":                   {bumped(), "tag: \"\"\n", "tag: \"2\"\n", true},
		"a digest beside a tag":          {bumped(), "image: acme/web:1\n", "image: acme/web:2@" + newDigest + "\n", false},
		"a digest that was missing":      {bumped(), "image: acme/web:2\n", "image: acme/web:2@" + newDigest + "\n", true},
		"a key that was missing":         {bumped(), "image:\n  repository: acme/web\n", "image:\n  repository: acme/web\n  tag: \"2\"\n", true},
		"an entry of a kustomization":    {bumped(), "kind: Kustomization\n", "kind: Kustomization\nimages:\n- name: acme/web\n  newTag: \"2\"\n", true},
		"a further value":                {bumped("web/Chart.yaml: appVersion: 0.9 -> 1.0"), "appVersion: 0.9\n", "appVersion: 1.0\n", true},
		"a further value of all runs":    {bumped("Chart.yaml: appVersion: 0.9 -> 1.0"), "appVersion: 0.9\n", "appVersion: 1.0\n", true},
		"a further value that was empty": {bumped("web/Chart.yaml: note: (none) -> new"), "note:\n", "note: new\n", true},
		"another file's value":           {bumped("api/Chart.yaml: appVersion: 0.9 -> 1.0"), "appVersion: 0.9\n", "appVersion: 1.0\n", false},
		"a value that is not listed":     {bumped("web/Chart.yaml: appVersion: 0.9 -> 1.0"), "appVersion: 0.9\nkind: a\n", "appVersion: 1.0\nkind: b\n", false},
		"another tag":                    {bumped(), "tag: 1\n", "tag: 3\n", false},
		"from another tag":               {bumped(), "tag: 0\n", "tag: 2\n", false},
		"another digest":                 {bumped(), "digest: " + newDigest + "\n", "digest: " + oldDigest + "\n", false},
		"a number that is no tag":        {bumped(), "tag: 1\nreplicas: 1\n", "tag: 2\nreplicas: 2\n", false},
		"a number that was missing":      {bumped(), "replicas:\n", "replicas: 2\n", false},
		"a comment beside the tag":       {bumped(), "tag: 1\n", "tag: 2 # mine\n", false},
		"a line of a person":             {bumped(), "tag: 1\n", "tag: 2\nreplicas: 2\n", false},
		"another entry":                  {bumped(), "tag: 1\n", "tag: 2\nname: other\n", false},
		"a line that is gone":            {bumped(), "tag: 1\nreplicas: 2\n", "tag: 2\n", false},
		"a line that has moved":          {bumped(), "a: 1\ntag: 1\n", "tag: 2\na: 1\n", false},
		"the last line end":              {bumped(), "tag: 1", "tag: 2\n", false},
		"a person's commit":              {record.Parse("bump web"), "tag: 1\n", "tag: 1\n", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := test.message.Explains("web/Chart.yaml", []byte(test.before), []byte(test.after)); got != test.want {
				t.Errorf("%v, want %v", got, test.want)
			}
		})
	}
}

package policy

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/image"
)

// builds reads "TAG=DIGEST@DAY" for each image; a day of 0 is not known.
func builds(t *testing.T, text string) (tags []string, images map[string]image.Info) {
	t.Helper()
	images = map[string]image.Info{}
	for field := range strings.FieldsSeq(text) {
		tag, rest, _ := strings.Cut(field, "=")
		digest, day, _ := strings.Cut(rest, "@")
		info := image.Info{Digest: digest}
		if day != "0" {
			created, err := time.Parse("2", day)
			if err != nil {
				t.Fatal(err)
			}
			info.Created = created.AddDate(2024, 0, 0)
		}
		tags, images[tag] = append(tags, tag), info
	}
	return tags, images
}

func TestNewestGoesByTime(t *testing.T) {
	for _, test := range []struct {
		name   string
		images string
		want   string
		err    string
	}{
		{"each its own", "a=A@2 b=B@4 c=C@1 d=D@3", "b d a c", ""},
		{"older ones of one time", "a=A@1 b=B@2 c=C@1", "b a c", ""},
		{"one image", "a=A@0", "a", ""},
		{"no images", "", "", ""},
		{"one is not known", "a=A@2 b=B@4 c=C@0 d=D@3", "", "tag c: the time of creation is not known (and for 1 of 4 tags in all)"},
		{"two are not known", "a=A@0 b=B@0 c=C@1", "", "tag b: the time of creation is not known (and for 2 of 3 tags in all)"},
		{"two images of one time at the top", "a=A@1 f00=F@7 b=B@2 ba4=E@7", "", "tags ba4 and f00: the time of creation is not known: two different images say 2024-01-07T00:00:00Z"},
		{"all of one time", "1f=A@3 2e=B@3 3d=C@3", "", "tags 1f and 2e: the time of creation is not known: two different images say 2024-01-03T00:00:00Z"},
		{"digests are not known", "a=@0 b=@0", "", "tag b: the time of creation is not known (and for 2 of 2 tags in all)"},
		{"tags of one image without a time", "latest=A@0 2.3.1=A@0 2.3=A@0", "2.3.1 2.3 latest", ""},
		{"a version and a branch", "7.0.1=A@5 7.0.0=B@4 trunk=A@5", "7.0.1 trunk 7.0.0", ""},
		{"a moving version", "3.12=A@5 3.12.4=A@5 3=A@5 stable=A@5", "3.12.4 3.12 3 stable", ""},
		{"a build of a branch", "main=A@5 main-202406151230=A@5", "main-202406151230 main", ""},
		{"a commit and an alias", "edge=A@5 sha-9fe10c2=A@5 v2=A@5", "sha-9fe10c2 v2 edge", ""},
		{"an alias of an older image", "prod=B@4 1.0.1=A@5 1.0.0=B@4", "1.0.1 1.0.0 prod", ""},
		{"neither is steadier", "blue=A@5 green=A@5", "green blue", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPolicy(t, Rule{Order: Newest})
			tags, images := builds(t, test.images)
			for range max(len(tags), 1) {
				if len(tags) > 0 {
					tags = append(tags[1:], tags[0])
				}
				sorted, err := p.Newest(p.Undecided(p.Candidates(tags)), images)
				if test.err != "" {
					if err == nil || err.Error() != test.err || !errors.Is(err, ErrNoTime) {
						t.Fatalf("error %v, want %s", err, test.err)
					}
					continue
				}
				if got := tagsOf(sorted); got != test.want || err != nil {
					t.Fatalf("%q, %v; want %q", got, err, test.want)
				}
			}
		})
	}
}

func TestATieIsBrokenByTime(t *testing.T) {
	p := newPolicy(t, Rule{})
	tags, images := builds(t, "5.1.0_amd=A@3 5.1.0_intel=B@4 5.0.9=C@9")
	undecided := p.Undecided(p.Candidates(tags))
	sorted, err := p.Newest(undecided, images)
	if got := tagsOf(sorted); got != "5.1.0_intel 5.1.0_amd" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestNewestLeavesItsArgumentAlone(t *testing.T) {
	p := newPolicy(t, Rule{Order: Newest})
	tags, images := builds(t, "c=A@1 b=B@2 a=C@3")
	candidates := p.Candidates(tags)
	if _, err := p.Newest(candidates, images); err != nil {
		t.Fatal(err)
	}
	if got := tagsOf(candidates); got != "c b a" {
		t.Errorf("the candidates are now %q", got)
	}
}

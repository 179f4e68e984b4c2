package bump

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tagbump/tagbump/pkg/fault"
	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/policy"
)

// revised is a registry whose images say which commit they were built from: c, and
// the tag, in place of each letter that is no hexadecimal digit. Its faults happen
// at the tag that they name.
type revised struct {
	tags
	faults map[string]error
}

func (r revised) InspectFor(ctx context.Context, ref image.Ref, platforms []string) (image.Info, error) {
	if err := r.faults[ref.Tag]; err != nil {
		return image.Info{}, fmt.Errorf("%s: %w", ref, err)
	}
	info, err := r.tags.InspectFor(ctx, ref, platforms)
	info.Labels = map[string]string{revisionLabel: commitOf(ref.Tag)}
	return info, err
}

func (r revised) InspectAll(ctx context.Context, repository string, wanted []string) (map[string]image.Info, error) {
	infos, err := r.tags.InspectAll(ctx, repository, wanted)
	for _, tag := range wanted {
		if fault := r.faults[tag]; errors.Is(fault, errNoImage) {
			delete(infos, tag)
		} else if fault != nil {
			return nil, fmt.Errorf("%s:%s: %w", repository, tag, fault)
		}
	}
	return infos, err
}

func (r revised) First(ctx context.Context, repository string, wanted []string, fits func(image.Info) bool) (string, bool, error) {
	for _, tag := range wanted {
		info, err := r.InspectFor(ctx, image.Ref{Repository: repository, Tag: tag}, nil)
		if err != nil || fits(info) {
			return tag, err == nil, err
		}
	}
	return "", false, nil
}

func commitOf(tag string) string { return fmt.Sprintf("%x", tag) + strings.Repeat("0", 40-2*len(tag)) }

var errNoImage = fault.New(fault.NotFound, "not a container image")

var errDown = errors.New("429 Too Many Requests")

func TestWhichTagIsResolved(t *testing.T) {
	builds := tags{"acme/web": {"1.0": day(4), "1.1": day(2), "1.2": day(3), "0.9": day(5), "cache": day(9)}}
	newest := policy.Rule{Match: `^\d`, Order: policy.Newest}
	for _, test := range []struct {
		name   string
		rule   *policy.Rule
		img    Image // default source: the policy
		faults map[string]error
		want   string
		err    string
	}{
		{"the policy's", &policy.Rule{}, Image{}, nil, "1.2", ""},
		{"the newest of all", &newest, Image{}, nil, "0.9", ""},
		{"the newest of the last three by name", &newest, Image{Source: ByPolicy{NewestOf: 3}}, nil, "1.0", ""},
		{"the newest of more than there are", &newest, Image{Source: ByPolicy{NewestOf: 30}}, nil, "0.9", ""},
		{"a cache is no image", &policy.Rule{Order: policy.Newest}, Image{}, map[string]error{"cache": errNoImage}, "0.9", ""},
		{
			"only caches", &policy.Rule{Match: "cache|0.9", Order: policy.Newest},
			Image{},
			map[string]error{"cache": errNoImage, "0.9": errNoImage},
			"",
			`acme/web: match "cache|0.9", order newest: no tag matches (2 candidates, none of them an image)`,
		},
		{"one that cannot be seen might be the newest", &newest, Image{}, map[string]error{"1.1": errDown}, "", "acme/web:1.1: 429 Too Many Requests"},
		{"the winner cannot be seen", &policy.Rule{}, Image{}, map[string]error{"1.2": errDown}, "", "acme/web:1.2: 429 Too Many Requests"},
		{"the winner lacks the platform", &policy.Rule{}, Image{Platforms: []string{"linux/amd64"}}, nil, "", "acme/web:1.2: linux/amd64: no such platform (it has linux/arm64)"},
		{"no tag matches", &policy.Rule{Semver: ">=2"}, Image{}, nil, "", `acme/web: semver ">=2": no tag matches (5 tags)`},

		{"a commit's", nil, Image{Source: ByRevision{}, Revision: commitOf("1.1")}, nil, "1.1", ""},
		{"a short commit's", nil, Image{Source: ByRevision{}, Revision: strings.ToUpper(commitOf("1.1")[:7])}, nil, "1.1", ""},
		{
			"six digits are no commit", nil,
			Image{Source: ByRevision{}, Revision: commitOf("1.1")[:6]},
			nil, "",
			"acme/web: no image is of commit 312e31 (5 images of 5 tags were looked at)",
		},
		{
			"a commit's among those that match", &policy.Rule{Match: `^1`},
			Image{Source: ByRevision{}, Revision: commitOf("0.9")},
			nil, "",
			"acme/web: no image is of commit " + commitOf("0.9") + " (3 images of 5 tags were looked at)",
		},
		{"a commit's behind one that cannot be seen", &policy.Rule{}, Image{Source: ByRevision{}, Revision: commitOf("1.0")}, map[string]error{"1.1": errDown}, "", "acme/web:1.1: 429 Too Many Requests"},
		{"the tag is of the commit", nil, Image{Source: Given{Tag: "1.1"}, Revision: commitOf("1.1")}, nil, "1.1", ""},
		{
			"the tag is of another commit", nil,
			Image{Source: Given{Tag: "1.1"}, Revision: commitOf("1.2")},
			nil, "",
			"acme/web:1.1: built from commit " + commitOf("1.1") + ", not " + commitOf("1.2"),
		},
		{"the tag is waited for in vain", nil, Image{Source: Given{"3", time.Minute}}, nil, "", "acme/web:3: no such tag: not found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.img.Repository = "acme/web"
			if test.img.Source == nil {
				test.img.Source = ByPolicy{}
			}
			if test.rule != nil {
				test.img.Policy = mustPolicy(t, *test.rule)
			}
			got, err := Runner{Registry: revised{builds, test.faults}}.Resolve(context.Background(), test.img)
			if test.err != "" {
				if err == nil || err.Error() != test.err {
					t.Errorf("got  %v\nwant %s", err, test.err)
				}
				return
			}
			if err != nil || got.Tag != test.want || got.Digest != digestOf(test.want) {
				t.Errorf("got %s, %v; want %s", got.Tag, err, test.want)
			}
		})
	}
}

func TestAChoiceSaysWhatWasDropped(t *testing.T) {
	builds := tags{"acme/web": {"1.0": day(1), "1.1": day(3), "1.2": day(2), "latest": day(9)}}
	img := Image{Repository: "acme/web", Source: ByPolicy{NewestOf: 2}, Policy: mustPolicy(t, policy.Rule{Match: `^\d`, Order: policy.Newest})}
	got, err := Runner{Registry: builds}.Resolve(context.Background(), img)
	if err != nil {
		t.Fatal(err)
	}
	drops := []policy.Drop{{Tag: "latest", Why: "does not match"}, {Tag: "1.0", Why: "not among the last 2 by name"}}
	if c := got.Choice; c.Tags() != 4 || !slices.Equal(c.Candidates, []string{"1.1", "1.2"}) || !slices.Equal(c.Drops(), drops) {
		t.Errorf("got %+v", c)
	}
}

// growing is a registry that has more tags each time it is asked for them.
type growing struct {
	revised
	all    []string
	listed *int
	looked *[]string
}

func (g growing) TagsWithPrefix(context.Context, string, string) ([]string, error) {
	*g.listed++
	return g.all[:min(*g.listed, len(g.all))], nil
}

func (g growing) First(ctx context.Context, repository string, wanted []string, fits func(image.Info) bool) (string, bool, error) {
	*g.looked = append(*g.looked, wanted...)
	return g.revised.First(ctx, repository, wanted, fits)
}

func TestACommitIsWaitedForAndNoTagLookedAtTwice(t *testing.T) {
	builds := tags{"acme/web": {"1.0": day(1), "1.1": day(3), "1.2": day(2)}}
	registry := growing{revised{builds, nil}, []string{"1.0", "1.1", "1.2"}, new(int), new([]string)}
	var said []string
	runner := Runner{Registry: registry, Sleep: noSleep, Log: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
	got, err := runner.Resolve(context.Background(), Image{Repository: "acme/web", Source: ByRevision{Wait: time.Hour}, Revision: commitOf("1.2")})
	if err != nil || got.Tag != "1.2" || got.Source != SourceRevision {
		t.Errorf("got %+v, %v", got, err)
	}
	if want := []string{"1.0", "1.1", "1.2"}; !slices.Equal(*registry.looked, want) {
		t.Errorf("looked at %q, want %q", *registry.looked, want)
	}
	if want := []string{"acme/web: an image of commit " + commitOf("1.2") + ": not there yet, waiting (0s of 1h0m0s)"}; !slices.Equal(said, want) {
		t.Errorf("said %q", said)
	}
}

package bump

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/policy"
)

func TestWhetherATagIsOlderThanTheDeployedOne(t *testing.T) {
	builds := tags{"acme/web": {"1.0": day(1), "1.1": day(2), "1.2": day(3), "dev": day(4), "old": day(0), "when": {}}}
	byName := &policy.Rule{Match: `^\d`, Order: policy.Alphabetical}
	for _, test := range []struct {
		name     string
		rule     *policy.Rule
		deployed string // as in the file
		wanted   string
		fault    error  // of the deployed tag
		err      string // of Fail
		said     string
	}{
		{"newer by name", byName, ":1.0", "1.1", nil, "", ""},
		{"older by name", byName, ":1.2", "1.1", nil, "a.yaml:1: acme/web: 1.1 is older than the deployed 1.2", ""},
		{"names tell, so nothing is looked up", byName, ":1.0", "1.1", errDown, "", ""},
		{"newer by time", nil, ":1.0", "1.1", nil, "", ""},
		{"older by time", nil, ":1.2", "1.1", nil, "a.yaml:1: acme/web: 1.1 is older than the deployed 1.2, by its time of creation", ""},
		{"not of the policy, older by time", byName, ":dev", "1.1", nil, "a.yaml:1: acme/web: 1.1 is older than the deployed dev, by its time of creation", ""},
		{"not of the policy, newer by time", byName, ":old", "1.1", nil, "", ""},
		{"order newest compares times", &policy.Rule{Order: policy.Newest}, ":1.2", "1.1", nil, "a.yaml:1: acme/web: 1.1 is older than the deployed 1.2, by its time of creation", ""},
		{"the same tag", nil, ":1.1", "1.1", errDown, "", ""},
		{"the deployed one is gone, an older version", nil, ":0.1", "1.1", nil, "", ""},
		{"the deployed one is gone, a newer version", nil, ":1.10", "1.1", nil, "a.yaml:1: acme/web: 1.1 is older than the deployed 1.10", ""},
		{"the deployed one is gone", nil, ":blue", "1.1", nil, "", "acme/web: whether 1.1 is newer than the deployed blue is not known: the registry does not have the deployed one"},
		{"the deployed one is no image", nil, ":dev", "1.1", errNoImage, "", "acme/web: whether 1.1 is newer than the deployed dev is not known: the registry does not have the deployed one"},
		{"the deployed one is no reference", nil, ":dev", "1.1", image.ErrInvalid, "", "acme/web: whether 1.1 is newer than the deployed dev is not known: the deployed one is not an image reference"},
		{"without a time", nil, ":when", "1.1", nil, "", "acme/web: whether 1.1 is newer than the deployed when is not known: an image does not say when it was created"},
		{"the registry is down", nil, ":1.2", "1.1", errDown, "looking up the deployed tag: acme/web:1.2: 429 Too Many Requests", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			img := web(test.wanted)
			if test.rule != nil {
				img.Policy = mustPolicy(t, *test.rule)
			}
			var faults map[string]error
			if test.fault != nil {
				faults = map[string]error{strings.TrimPrefix(test.deployed, ":"): test.fault}
				if test.deployed == ":"+test.wanted {
					faults = nil
				}
			}
			for _, onStale := range []OnStale{Fail, Skip, Allow} {
				repo := newRepo(map[string]string{"a.yaml": "image: acme/web" + test.deployed + "\n"})
				var said []string
				runner := Runner{Registry: revised{builds, faults}, Repo: repo, Log: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
				_, err := runner.Run(context.Background(), Request{Images: []Image{img}, Publish: Save, OnStale: onStale})
				isStale := strings.Contains(test.err, "is older")
				switch {
				case onStale == Fail && test.err != "", onStale == Skip && test.err != "" && !isStale:
					if err == nil || err.Error() != test.err || errors.Is(err, ErrStale) != isStale || len(repo.saves) != 0 {
						t.Errorf("%d: got %v, %d saves; want %s", onStale, err, len(repo.saves), test.err)
					}
					continue
				case err != nil:
					t.Errorf("%d: %v", onStale, err)
				}
				written := repo.file(t, "main", "a.yaml") == "image: acme/web:"+test.wanted+"\n"
				if want := onStale == Allow || !isStale; written != want {
					t.Errorf("%d: written is %v, want %v", onStale, written, want)
				}
				if onStale == Fail && strings.Join(said, "\n") != test.said {
					t.Errorf("said %q, want %q", said, test.said)
				}
			}
		})
	}
}

func TestWithoutTheRegistryOnlyNamesAreCompared(t *testing.T) {
	repo := newRepo(map[string]string{"a.yaml": "image: acme/web:blue\n"})
	var said []string
	runner := Runner{Registry: tags{}, Repo: repo, Log: func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }}
	img := Image{Repository: "acme/web", Source: Given{Tag: "1.1"}, Unverified: true}
	if _, err := runner.Run(context.Background(), Request{Images: []Image{img}, Publish: Save}); err != nil {
		t.Fatal(err)
	}
	if want := "acme/web: whether 1.1 is newer than the deployed blue is not known: the registry is not asked"; strings.Join(said, "\n") != want {
		t.Errorf("said %q, want %q", said, want)
	}
	img.Policy = mustPolicy(t, policy.Rule{Match: `^\d`, Order: policy.Alphabetical})
	repo = newRepo(map[string]string{"a.yaml": "image: acme/web:1.2\n"})
	runner.Repo = repo
	if _, err := runner.Run(context.Background(), Request{Images: []Image{img}, Publish: Save}); !errors.Is(err, ErrStale) {
		t.Errorf("got %v, want ErrStale", err)
	}
}

// counting counts how often images are looked up.
type counting struct {
	tags
	looks *int
}

func (c counting) InspectFor(ctx context.Context, ref image.Ref, platforms []string) (image.Info, error) {
	*c.looks++
	return c.tags.InspectFor(ctx, ref, platforms)
}

func TestALostRaceAsksTheRegistryNothingTwice(t *testing.T) {
	repo := newRepo(map[string]string{"a.yaml": "image: acme/web:1.0\n---\nimage: acme/web:1.0\n"})
	for range 3 {
		repo.rivals = append(repo.rivals, func(r *memoryRepo) { r.write("main", r.branches["main"].MapFS, nil) })
	}
	looks := 0
	runner := Runner{Registry: counting{tags{"acme/web": {"1.0": day(1), "1.1": day(2)}}, &looks}, Repo: repo, Sleep: noSleep}
	report, err := runner.Run(context.Background(), Request{Images: []Image{web("1.1")}, Publish: Save})
	if err != nil || report.Attempts != 4 || looks != 2 {
		t.Errorf("%v, %d attempts, %d look-ups; want 4 and 2", err, report.Attempts, looks)
	}
}

func TestPipelinesTellWhereNothingElseDoes(t *testing.T) {
	var commits []CommitInfo
	for _, message := range []string{
		"something else\n\nTagbump-Image: acme/api:1.0\nTagbump-Pipeline-Number: 99\n",
		"set back by hand, outside of any pipeline\n\nTagbump-Image: acme/web:1.0\n",
		"bump acme/web to 1.0\n\nTagbump-Image: docker.io/acme/web:1.0\nTagbump-Pipeline-Number: 41\n",
		"bump acme/web to 1.0\n\nTagbump-Image: acme/web:1.0\nTagbump-Pipeline-Number: 7\n",
	} {
		commits = append(commits, CommitInfo{Message: message})
	}
	for pipeline, want := range map[int64]string{
		40: "web.yaml:2: acme/web: feature is older than the deployed 1.0, by its pipeline (40, deployed 41)",
		41: "", 42: "", 0: "",
	} {
		repo := newRepo(map[string]string{"web.yaml": webFile})
		repo.commits = commits
		req := pushOf("feature")
		req.Images[0].Unverified, req.Provenance.Pipeline = true, pipeline
		_, err := Runner{Repo: repo, Sleep: noSleep}.Run(context.Background(), req)
		if want == "" && err != nil || want != "" && (err == nil || err.Error() != want || !errors.Is(err, ErrStale)) {
			t.Errorf("pipeline %d: %v, want %q", pipeline, err, want)
		}
	}
}

package registry

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/tagbump/tagbump/pkg/image"
	"github.com/tagbump/tagbump/pkg/internal/testenv"
)

var built = time.Date(2024, 6, 15, 12, 30, 0, 0, time.UTC)

// keys is a keychain with one user.
type keys struct{ username, password string }

func (k keys) Resolve(authn.Resource) (authn.Authenticator, error) {
	if k.username == "" {
		return authn.Anonymous, nil
	}
	return &authn.Basic{Username: k.username, Password: k.password}, nil
}

func start(t *testing.T, opts testenv.RegistryOptions) *testenv.Registry {
	t.Helper()
	reg, err := testenv.NewRegistry(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(reg.Close)
	return reg
}

func push(t *testing.T, reg *testenv.Registry, img testenv.Image, tags ...string) (digest string) {
	t.Helper()
	digest, err := reg.Push("acme/web", img, tags...)
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

// client tries twice, and waits no longer than a busy machine may take.
func client(t *testing.T, reg *testenv.Registry, login keys) *Client {
	t.Helper()
	return clientWith(t, reg, Options{Keychain: login, TryTimeout: 10 * time.Second, Patience: 10 * time.Second})
}

// impatient is a client for servers that never answer.
func impatient(t *testing.T, reg *testenv.Registry) *Client {
	t.Helper()
	return clientWith(t, reg, Options{Keychain: keys{}, TryTimeout: 300 * time.Millisecond, Patience: 10 * time.Second})
}

func clientWith(t *testing.T, reg *testenv.Registry, opts Options) *Client {
	t.Helper()
	opts.Transport, opts.Tries, opts.Log = reg.Client().Transport, 2, t.Logf
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTagsAreAllPagesSorted(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{PageSize: 2})
	push(t, reg, testenv.Image{}, "c", "a", "e", "b", "d")
	got, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
	if want := []string{"a", "b", "c", "d", "e"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("Tags: %q, %v; want %q", got, err, want)
	}
	if n := reg.Count("GET", "/tags/list"); n != 3 {
		t.Errorf("%d pages were asked for, want 3", n)
	}
}

func TestInspectSingleAndIndex(t *testing.T) {
	for _, test := range []struct {
		name     string
		img      testenv.Image
		requests int
	}{
		{"single", testenv.Image{Platforms: []string{"linux/arm64"}}, 3},
		{"index", testenv.Image{Platforms: []string{"linux/amd64", "linux/arm64/v8", "linux/arm/v7"}}, 4},
	} {
		t.Run(test.name, func(t *testing.T) {
			reg := start(t, testenv.RegistryOptions{})
			test.img.Created = built
			test.img.Labels = map[string]string{"org.opencontainers.image.revision": "abc"}
			digest := push(t, reg, test.img, "1.0.0")
			got, err := client(t, reg, keys{}).Inspect(context.Background(), image.Ref{Repository: reg.Host + "/acme/web", Tag: "1.0.0"})
			if err != nil {
				t.Fatal(err)
			}
			if got.Digest != digest || !got.Created.Equal(built) || got.Labels["org.opencontainers.image.revision"] != "abc" || !slices.Equal(got.Platforms, test.img.Platforms) {
				t.Errorf("Inspect: %+v; want digest %s, platforms %s", got, digest, test.img.Platforms)
			}
			if n := len(reg.Requests()); n != test.requests {
				t.Errorf("%d requests, want %d: %q", n, test.requests, reg.Requests())
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	for _, bearer := range []bool{false, true} {
		reg := start(t, testenv.RegistryOptions{Username: "ci", Password: "s3cret-pass", Bearer: bearer})
		push(t, reg, testenv.Image{}, "1.0.0")
		if _, err := client(t, reg, keys{"ci", "s3cret-pass"}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", ""); err != nil {
			t.Errorf("bearer %v: %v", bearer, err)
		}
		for _, login := range []keys{{}, {"ci", "wrong-pass"}} {
			_, err := client(t, reg, login).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
			if !errors.Is(err, ErrAuth) {
				t.Errorf("bearer %v, %v: %v; want ErrAuth", bearer, login, err)
			}
		}
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{})
	push(t, reg, testenv.Image{}, "1.0.0")
	c := client(t, reg, keys{})
	repository := reg.Host + "/acme/web"
	_, tag := c.Inspect(context.Background(), image.Ref{Repository: repository, Tag: "2"})
	_, noRepository := c.Inspect(context.Background(), image.Ref{Repository: repository + "x", Tag: "2"})
	_, list := c.TagsWithPrefix(context.Background(), repository+"x", "")
	for _, test := range []struct {
		err  error
		want string
	}{
		{tag, repository + ":2: no such tag"},
		{noRepository, repository + "x:2: no such repository"},
		{list, repository + "x: no such repository"},
	} {
		if !errors.Is(test.err, ErrNotFound) || test.err.Error() != test.want {
			t.Errorf("got %v, want ErrNotFound: %s", test.err, test.want)
		}
	}
}

func TestAServerThatFailsIsUnavailable(t *testing.T) {
	for _, status := range []int{408, 429, 500, 502, 503, 504} {
		reg := start(t, testenv.RegistryOptions{Fault: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/v2/" {
				return false
			}
			w.WriteHeader(status)
			return true
		}})
		_, err := client(t, reg, keys{}).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%d: %v; want ErrUnavailable", status, err)
		}
		if n := reg.Count("GET", "/tags/list"); n != 2 {
			t.Errorf("%d: %d tries, want 2", status, n)
		}
	}
}

func TestAServerThatNeverAnswersIsUnavailable(t *testing.T) {
	reg := start(t, testenv.RegistryOptions{Fault: func(_ http.ResponseWriter, r *http.Request) bool {
		<-r.Context().Done()
		return true
	}})
	_, err := impatient(t, reg).TagsWithPrefix(context.Background(), reg.Host+"/acme/web", "")
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v, want ErrUnavailable", err)
	}
}

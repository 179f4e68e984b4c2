package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// A hub is a real registry on a loopback port.
type hub struct {
	listener net.Listener
	server   *http.Server
}

func startHub(ctx context.Context) (*hub, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	quiet := log.New(io.Discard, "", 0)
	h := &hub{listener, &http.Server{Handler: registry.New(registry.Logger(quiet)), ErrorLog: quiet, ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = h.server.Serve(listener) }()
	for i, tag := range tags {
		if err := h.push(ctx, tag, i); err != nil {
			return nil, errors.Join(err, h.close())
		}
	}
	return h, nil
}

func (h *hub) close() error { return h.server.Close() }

// push stores an image of one build: its number makes it differ from the others.
func (h *hub) push(ctx context.Context, tag string, build int) error {
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS: "linux", Architecture: "arm64",
		Created: v1.Time{Time: time.Date(2024, 6, 1, 0, build, 0, 0, time.UTC)},
		RootFS:  v1.RootFS{Type: "layers"},
	})
	if err != nil {
		return err
	}
	ref, err := name.NewTag(fmt.Sprintf("%s/%s:%s", h.listener.Addr(), imageName, tag), name.Insecure)
	if err != nil {
		return err
	}
	return remote.Write(ref, image, remote.WithContext(ctx))
}

// redirected sends every request to one address, over plain HTTP.
type redirected struct {
	address string
	next    http.RoundTripper
}

func (r redirected) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	req.URL.Scheme, req.URL.Host = "http", r.address
	return r.next.RoundTrip(req)
}

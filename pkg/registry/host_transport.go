package registry

import (
	"net/http"

	"github.com/tagbump/tagbump/pkg/internal/httpx"
)

// A hostTransport sends requests to the registries that its user named as insecure
// without checking their certificates, and checks those of all others.
type hostTransport struct {
	checked, unchecked http.RoundTripper
	insecure           map[string]bool
}

func newHostTransport(caBundle []byte, insecure []string) (http.RoundTripper, error) {
	checked, err := httpx.NewTransport(httpx.TransportOptions{CABundle: caBundle, Conns: 2 * jobs})
	if err != nil || len(insecure) == 0 {
		return checked, err
	}
	unchecked, err := httpx.NewTransport(httpx.TransportOptions{SkipVerify: true, Conns: 2 * jobs})
	if err != nil {
		return nil, err
	}
	t := hostTransport{checked, unchecked, map[string]bool{}}
	for _, host := range insecure {
		t.insecure[host] = true
	}
	return t, nil
}

// RoundTrip implements http.RoundTripper.
func (t hostTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if t.insecure[req.URL.Host] {
		return t.unchecked.RoundTrip(req)
	}
	return t.checked.RoundTrip(req)
}

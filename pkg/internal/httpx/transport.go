package httpx

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"
)

// TransportOptions are what [NewTransport] needs. The zero value trusts the
// system's certificates.
type TransportOptions struct {
	CABundle   []byte // certificates to trust beside the system's, as PEM
	SkipVerify bool   // accept any certificate: only for a host that its user has named
	Conns      int    // idle connections to keep for each host; 0 keeps 2
}

// ErrCABundle is the error for a CA bundle that holds no certificate.
var ErrCABundle = errors.New("the CA bundle holds no PEM certificate")

// NewTransport returns a transport with time-outs for connecting (10 s) and for
// the TLS handshake (10 s). It goes through the proxy that the environment names.
// The time of whole requests is for their contexts to limit. It tells the observer of
// a request's context, see [WithObserver].
func NewTransport(opts TransportOptions) (http.RoundTripper, error) {
	transport, err := newTransport(opts)
	return observed{transport}, err
}

func newTransport(opts TransportOptions) (*http.Transport, error) {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConnsPerHost:   opts.Conns,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	if len(opts.CABundle) == 0 && !opts.SkipVerify {
		return transport, nil
	}
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: opts.SkipVerify}
	if len(opts.CABundle) == 0 {
		return transport, nil
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(opts.CABundle) {
		return nil, ErrCABundle
	}
	transport.TLSClientConfig.RootCAs = roots
	return transport, nil
}

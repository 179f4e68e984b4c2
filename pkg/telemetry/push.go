package telemetry

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// A Message is a body that is posted to a server.
type Message struct {
	URL    string
	Header map[string]string // may hold credentials
	Body   []byte
}

// Push returns the metrics of a run for a Pushgateway, as the group of its repository
// and environment, and of its image when it has one. An address that names a group
// itself, as https://host/metrics/job/deploy, keeps that. A user and a password in the
// address become the log-in.
//
// It is to be sent by POST, which replaces the metrics of the same names and keeps the
// others of the group, such as the time of the last success.
func Push(gateway string, r Run) (Message, error) {
	if err := CheckGateway(gateway); err != nil {
		return Message{}, err
	}
	u, err := url.Parse(gateway)
	if err != nil {
		return Message{}, errNotURL
	}
	header := map[string]string{"Content-Type": metricsType}
	if u.User != nil {
		password, _ := u.User.Password()
		header["Authorization"] = "Basic " + base64.StdEncoding.EncodeToString([]byte(u.User.Username()+":"+password))
		u.User = nil
	}
	return Message{groupURL(u, r), header, Metrics(r)}, nil
}

func groupURL(gateway *url.URL, r Run) string {
	target := strings.TrimSuffix(gateway.String(), "/")
	if strings.Contains(gateway.Path, "/metrics/job") {
		return target
	}
	target += "/metrics/job/tagbump"
	for _, label := range [][2]string{{"repository", r.Repository}, {"environment", r.Environment}, {"image", r.image()}} {
		if label[1] != "" {
			// In base64, because a Pushgateway refuses a percent-encoded slash.
			target += "/" + label[0] + "@base64/" + base64.URLEncoding.EncodeToString([]byte(label[1]))
		}
	}
	return target
}

var errNotURL = errors.New("is not a URL")

// CheckGateway returns an error when gateway cannot be the address of a Pushgateway. The
// error does not repeat the address.
func CheckGateway(gateway string) error {
	u, err := checkURL(gateway)
	if err == nil && u.RawQuery != "" {
		return errors.New("must have no query")
	}
	return err
}

// checkURL says why text is not a URL to send something to. The error does not repeat
// it, because a password may be in it.
func checkURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, errNotURL
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, fmt.Errorf("must begin with https:// and a host")
	case u.Fragment != "":
		return nil, fmt.Errorf("must have no fragment")
	}
	return u, nil
}

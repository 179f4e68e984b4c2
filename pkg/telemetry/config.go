package telemetry

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// A Config says where traces go, and what they belong to. The zero Config sends none.
type Config struct {
	Endpoint string // URL of the traces; "" sends none
	Timeout  time.Duration

	header     map[string]string // may hold credentials
	service    string
	attributes []attribute // of the resource
	parent     parent
}

// A parent is the span that started this run; zero without one.
type parent struct{ traceID, spanID, state string }

// DefaultTimeout is shorter than the standard's ten seconds: a job waits for it.
const DefaultTimeout = 5 * time.Second

// ReadConfig reads the standard variables of OpenTelemetry. A variable that cannot be
// obeyed is an error; then the Config sends nothing.
// https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
func ReadConfig(getenv func(string) string) (Config, error) {
	get := func(name string) string { return strings.TrimSpace(getenv(name)) }
	forTraces := func(name string) string {
		if value := get("OTEL_EXPORTER_OTLP_TRACES_" + name); value != "" {
			return value
		}
		return get("OTEL_EXPORTER_OTLP_" + name)
	}
	endpoint := forTraces("ENDPOINT")
	if endpoint == "" || isOff(get) {
		return Config{}, nil
	}
	if forTraces("PROTOCOL") == "grpc" {
		return Config{}, errors.New("OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not spoken here; give the endpoint for HTTP, usually port 4318, and http/json")
	}
	if get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		endpoint = strings.TrimSuffix(endpoint, "/") + "/v1/traces"
	}
	if _, err := checkURL(endpoint); err != nil {
		return Config{}, fmt.Errorf("OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	c := Config{Endpoint: endpoint, Timeout: DefaultTimeout, service: "tagbump"}
	var err error
	if c.header, err = readHeader(forTraces("HEADERS")); err != nil {
		return Config{}, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS: %w", err)
	}
	if ms, err := strconv.Atoi(forTraces("TIMEOUT")); err == nil && ms > 0 {
		c.Timeout = min(time.Duration(ms)*time.Millisecond, 2*DefaultTimeout)
	}
	c.readResource(get("OTEL_RESOURCE_ATTRIBUTES"))
	if name := get("OTEL_SERVICE_NAME"); name != "" {
		c.service = name
	}
	sampled := true
	if c.parent, sampled = readParent(get("TRACEPARENT")); !sampled {
		return Config{}, nil // whoever started this run keeps no trace
	}
	if c.parent.traceID != "" {
		c.parent.state = get("TRACESTATE")
	}
	return c, nil
}

// Message returns what [Config.Trace] made for the collector.
func (c Config) Message(trace []byte) Message {
	header := maps.Clone(c.header)
	header["Content-Type"] = "application/json"
	return Message{c.Endpoint, header, trace}
}

// Secrets returns the values of the headers, and the part of each behind its first blank:
// the value is a token alone, or "Bearer TOKEN".
func (c Config) Secrets() []string {
	var secrets []string
	for _, value := range c.header {
		secrets = append(secrets, value)
		if _, token, found := strings.Cut(value, " "); found {
			secrets = append(secrets, token)
		}
	}
	return secrets
}

// isOff reports whether a variable turns traces off.
func isOff(get func(string) string) bool {
	exporter := get("OTEL_TRACES_EXPORTER")
	return strings.EqualFold(get("OTEL_SDK_DISABLED"), "true") || exporter != "" && exporter != "otlp" || get("OTEL_TRACES_SAMPLER") == "always_off"
}

// readHeader reads "name=value,name=value" with values as in a URL.
func readHeader(text string) (map[string]string, error) {
	header := map[string]string{}
	for i, pair := range strings.Split(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, escaped, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(escaped))
		name = strings.TrimSpace(name)
		if !found || err != nil || !isToken(name) || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return nil, fmt.Errorf("header %d is not NAME=VALUE", i+1)
		}
		header[name] = value
	}
	return header, nil
}

// isToken reports whether name can name a header.
func isToken(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return !strings.ContainsRune("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", r)
	})
}

// readResource reads "key=value,key=value" with values as in a URL. As the standard
// demands, one that is wrong discards all.
func (c *Config) readResource(text string) {
	var all attributes
	service := ""
	for pair := range strings.SplitSeq(text, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		key, escaped, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(escaped))
		if !found || err != nil {
			return
		}
		if key = strings.TrimSpace(key); key == "service.name" {
			service = value
			continue
		}
		all.text(key, value)
	}
	c.attributes = all
	if service != "" {
		c.service = service
	}
}

// resource returns the attributes of what the trace is of.
func (c Config) resource(r Run) []attribute {
	all := attributes{}
	all.text("service.name", c.service)
	all.text("service.version", r.Version)
	return append(all, c.attributes...)
}

// readParent reads a traceparent, VERSION-TRACE-PARENT-FLAGS. A wrong one counts as
// none. Sampled is false when it says that the trace is not kept.
// https://www.w3.org/TR/trace-context/#traceparent-header
func readParent(text string) (p parent, sampled bool) {
	parts := strings.Split(text, "-")
	if len(parts) < 4 || len(parts) > 4 && parts[0] == "00" {
		return parent{}, true
	}
	version, trace, spanID := parts[0], parts[1], parts[2]
	flags, err := hex.DecodeString(parts[3])
	switch {
	case !isID(version, 1) && version != "00", version == "ff", !isID(trace, 16), !isID(spanID, 8), err != nil, len(flags) != 1:
		return parent{}, true
	}
	return parent{traceID: trace, spanID: spanID}, flags[0]&flagSampled != 0
}

// isID reports whether text is that many bytes in lower-case hexadecimal digits, not
// all of them 0.
func isID(text string, bytes int) bool {
	return len(text) == 2*bytes && strings.Trim(text, "0123456789abcdef") == "" && strings.Trim(text, "0") != ""
}

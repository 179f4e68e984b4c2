package telemetry

import (
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"
)

// The documents below are OTLP's JSON form: camel case, identifiers in hexadecimal
// digits, 64-bit numbers as texts.
// https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
type (
	traceDoc struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []attribute `json:"attributes"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	span struct {
		TraceID    string      `json:"traceId"`
		SpanID     string      `json:"spanId"`
		TraceState string      `json:"traceState,omitempty"`
		ParentID   string      `json:"parentSpanId,omitempty"`
		Flags      uint32      `json:"flags"`
		Name       string      `json:"name"`
		Kind       int         `json:"kind"`
		Start      string      `json:"startTimeUnixNano"`
		End        string      `json:"endTimeUnixNano"`
		Attributes []attribute `json:"attributes,omitempty"`
		Status     status      `json:"status"`
	}
	attribute struct {
		Key   string `json:"key"`
		Value value  `json:"value"`
	}
	value struct {
		Text   *string `json:"stringValue,omitempty"`
		Number string  `json:"intValue,omitempty"`
		List   *list   `json:"arrayValue,omitempty"`
	}
	list struct {
		Values []value `json:"values"`
	}
	status struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
)

// Numbers of the protocol.
const (
	kindInternal = 1
	statusOK     = 1
	statusError  = 2
	flagSampled  = 1
)

// Trace returns the run as one OTLP trace: a span for the run, with one for each phase
// in it. Random gives bytes for the identifiers; it is asked for 16 and 8 of them.
func (c Config) Trace(r Run, random func(n int) []byte) ([]byte, error) {
	trace := hex.EncodeToString(random(16))
	if c.parent.traceID != "" {
		trace = c.parent.traceID
	}
	root := span{
		TraceID: trace, SpanID: hex.EncodeToString(random(8)), ParentID: c.parent.spanID, TraceState: c.parent.state,
		Flags: flagSampled, Name: "tagbump " + r.Command, Kind: kindInternal, Start: nanos(r.Start), End: nanos(r.End),
		Attributes: r.attributes(), Status: status{Code: statusOK},
	}
	if r.failed() {
		root.Status = status{statusError, r.Error}
	}
	spans := []span{root}
	for i, phase := range r.Phases {
		one := span{
			TraceID: trace, SpanID: hex.EncodeToString(random(8)), ParentID: root.SpanID, TraceState: c.parent.state,
			Flags: flagSampled, Name: phase.Name, Kind: kindInternal, Start: nanos(phase.Start), End: nanos(phase.End),
		}
		if r.failed() && i == len(r.Phases)-1 { // a run ends with its first error
			one.Status = root.Status
		}
		spans = append(spans, one)
	}
	return json.Marshal(traceDoc{[]resourceSpans{{
		Resource:   resource{c.resource(r)},
		ScopeSpans: []scopeSpans{{scope{"github.com/tagbump/tagbump", r.Version}, spans}},
	}}})
}

// attributes of the run's span, under the names of the semantic conventions where these
// have one.
func (r Run) attributes() []attribute {
	var all attributes
	all.text("tagbump.command", r.Command)
	all.text("tagbump.repository", r.Repository)
	all.text("tagbump.state", r.State)
	all.text("tagbump.commit", r.Commit)
	all.text("deployment.environment.name", r.Environment)
	all.text("error.type", r.Kind)
	all.text("cicd.pipeline.run.url.full", r.Build)
	all.text("tagbump.triggered_by", r.TriggeredBy)
	all.number("process.exit.code", r.ExitCode)
	all.number("tagbump.attempts", r.Attempts)
	all.number("tagbump.registry.requests", r.Requests)
	all.number("tagbump.registry.pulls", r.Pulls)
	var names, tags []value
	for _, img := range r.Images {
		names, tags = append(names, textValue(img.Name)), append(tags, textValue(img.Tag))
	}
	all.list("container.image.name", names)
	all.list("container.image.tags", tags)
	return all
}

type attributes []attribute

func (a *attributes) text(key, text string) {
	if text != "" {
		*a = append(*a, attribute{key, textValue(text)})
	}
}

func (a *attributes) number(key string, n int) {
	*a = append(*a, attribute{key, value{Number: strconv.Itoa(n)}})
}

func (a *attributes) list(key string, values []value) {
	if len(values) > 0 {
		*a = append(*a, attribute{key, value{List: &list{values}}})
	}
}

func textValue(text string) value { return value{Text: &text} }

func nanos(t time.Time) string { return strconv.FormatInt(t.UnixNano(), 10) }

package telemetry

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2024, 6, 15, 12, 30, 0, 0, time.UTC)

func after(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }

// pushed is a run that lost one race.
var pushed = Run{
	Command: "update", Repository: "https://github.com/acme/charts.git", Environment: "production", Version: "v1.2.3",
	Start: start, End: after(2500),
	Phases: []Phase{
		{"resolve", after(0), after(400)},
		{"plan", after(400), after(450)},
		{"push", after(450), after(1450)},
		{"resolve", after(1450), after(1550)},
		{"plan", after(1550), after(1600)},
		{"push", after(1600), after(2500)},
	},
	State: "pushed", Attempts: 2, Requests: 3, Pulls: 1, Commit: "0123456789abcdef0123456789abcdef01234567",
	Images: []Image{{"acme/web", "1.5.0", 3}, {"acme/api", "2.0.0", -1}},
}

var failed = Run{
	Command: "update", Start: start, End: after(100), State: "failed", Kind: "unavailable", ExitCode: 7,
	Error:  "quay.io/acme/web: 503",
	Phases: []Phase{{"resolve", after(0), after(100)}},
}

func TestMetricsOfAPush(t *testing.T) {
	want := `# HELP tagbump_run_duration_seconds How long the last run took.
# TYPE tagbump_run_duration_seconds gauge
tagbump_run_duration_seconds 2.500
# HELP tagbump_run_timestamp_seconds When the last run ended, in Unix time.
# TYPE tagbump_run_timestamp_seconds gauge
tagbump_run_timestamp_seconds 1718454602
# HELP tagbump_run_last_success_timestamp_seconds When the last run without an error ended, in Unix time.
# TYPE tagbump_run_last_success_timestamp_seconds gauge
tagbump_run_last_success_timestamp_seconds 1718454602
# HELP tagbump_run_success 1 when the last run had no error, else 0.
# TYPE tagbump_run_success gauge
tagbump_run_success 1
# HELP tagbump_run_result 1, with what the last run came to: its state and, of a failure, its kind.
# TYPE tagbump_run_result gauge
tagbump_run_result{command="update",state="pushed"} 1
# HELP tagbump_run_exit_code Exit code of the last run.
# TYPE tagbump_run_exit_code gauge
tagbump_run_exit_code 0
# HELP tagbump_run_attempts How often the last run planned its change; 1 when no push race was lost.
# TYPE tagbump_run_attempts gauge
tagbump_run_attempts 2
# HELP tagbump_registry_requests Requests of the last run to registries.
# TYPE tagbump_registry_requests gauge
tagbump_registry_requests 3
# HELP tagbump_registry_pulls Requests of the last run that count against a registry's pull limit.
# TYPE tagbump_registry_pulls gauge
tagbump_registry_pulls 1
# HELP tagbump_phase_duration_seconds How long each phase of the last run took, all attempts together.
# TYPE tagbump_phase_duration_seconds gauge
tagbump_phase_duration_seconds{phase="resolve"} 0.500
tagbump_phase_duration_seconds{phase="plan"} 0.100
tagbump_phase_duration_seconds{phase="push"} 1.900
# HELP tagbump_tags_behind How many newer tags the registry had than the files, when the last run began.
# TYPE tagbump_tags_behind gauge
tagbump_tags_behind{image="acme/web"} 3
# EOF
`
	if got := string(Metrics(pushed)); got != want {
		t.Errorf("got:\n%swant:\n%s", got, want)
	}
}

func TestMetricsOfAFailureHaveNoSuccess(t *testing.T) {
	got := string(Metrics(failed))
	for _, line := range []string{
		"tagbump_run_success 0\n", "tagbump_run_exit_code 7\n", "tagbump_run_attempts 0\n",
		`tagbump_run_result{command="update",state="failed",kind="unavailable"} 1` + "\n",
	} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is missing in:\n%s", line, got)
		}
	}
	for _, name := range []string{"last_success", "tags_behind"} {
		if strings.Contains(got, name) {
			t.Errorf("%s is in:\n%s", name, got)
		}
	}
}

func TestLabelsAreEscaped(t *testing.T) {
	got := labels("image", "a\"b\\c\nd\xff", "empty", "")
	if want := `{image="a\"b\\c\nd` + "\uFFFD" + `"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := labels("kind", ""); got != "" {
		t.Errorf("got %q", got)
	}
}

// counting returns bytes 1, 2, 3 and so on.
func counting() func(int) []byte {
	next := byte(0)
	return func(n int) []byte {
		next++
		return bytes.Repeat([]byte{next}, n)
	}
}

func readConfig(t *testing.T, env map[string]string) Config {
	t.Helper()
	c, err := ReadConfig(func(name string) string { return env[name] })
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTraceOfAFailure(t *testing.T) {
	c := readConfig(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318/", "OTEL_RESOURCE_ATTRIBUTES": "team=web%2Cops,service.name=ignored",
		"OTEL_SERVICE_NAME": "deploy", "TRACESTATE": "vendor=1",
		"TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	})
	got, err := c.Trace(failed, counting())
	if err != nil {
		t.Fatal(err)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got, "", " "); err != nil {
		t.Fatal(err)
	}
	want := `{
 "resourceSpans": [
  {
   "resource": {
    "attributes": [
     {
      "key": "service.name",
      "value": {
       "stringValue": "deploy"
      }
     },
     {
      "key": "team",
      "value": {
       "stringValue": "web,ops"
      }
     }
    ]
   },
   "scopeSpans": [
    {
     "scope": {
      "name": "github.com/tagbump/tagbump"
     },
     "spans": [
      {
       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
       "spanId": "0202020202020202",
       "traceState": "vendor=1",
       "parentSpanId": "00f067aa0ba902b7",
       "flags": 1,
       "name": "tagbump update",
       "kind": 1,
       "startTimeUnixNano": "1718454600000000000",
       "endTimeUnixNano": "1718454600100000000",
       "attributes": [
        {
         "key": "tagbump.command",
         "value": {
          "stringValue": "update"
         }
        },
        {
         "key": "tagbump.state",
         "value": {
          "stringValue": "failed"
         }
        },
        {
         "key": "error.type",
         "value": {
          "stringValue": "unavailable"
         }
        },
        {
         "key": "process.exit.code",
         "value": {
          "intValue": "7"
         }
        },
        {
         "key": "tagbump.attempts",
         "value": {
          "intValue": "0"
         }
        },
        {
         "key": "tagbump.registry.requests",
         "value": {
          "intValue": "0"
         }
        },
        {
         "key": "tagbump.registry.pulls",
         "value": {
          "intValue": "0"
         }
        }
       ],
       "status": {
        "code": 2,
        "message": "quay.io/acme/web: 503"
       }
      },
      {
       "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
       "spanId": "0303030303030303",
       "traceState": "vendor=1",
       "parentSpanId": "0202020202020202",
       "flags": 1,
       "name": "resolve",
       "kind": 1,
       "startTimeUnixNano": "1718454600000000000",
       "endTimeUnixNano": "1718454600100000000",
       "status": {
        "code": 2,
        "message": "quay.io/acme/web: 503"
       }
      }
     ]
    }
   ]
  }
 ]
}`
	if pretty.String() != want {
		t.Errorf("got:\n%s", pretty.String())
	}
}

func TestATraceWithoutAParentHasANewIdentifier(t *testing.T) {
	c := readConfig(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"})
	got, err := c.Trace(pushed, counting())
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(got), `"traceId":"01010101010101010101010101010101"`); n != 1+len(pushed.Phases) {
		t.Errorf("%d spans of the trace in %s", n, got)
	}
	if !strings.Contains(string(got), `{"key":"container.image.tags","value":{"arrayValue":{"values":[{"stringValue":"1.5.0"},{"stringValue":"2.0.0"}]}}}`) {
		t.Errorf("no tags in %s", got)
	}
	if n := strings.Count(string(got), `"status":{}`); n != len(pushed.Phases) {
		t.Errorf("%d phases without a status", n)
	}
}

func TestReadConfig(t *testing.T) {
	const general, traces = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	for name, c := range map[string]struct {
		env      map[string]string
		endpoint string // "" sends none
		problem  string
	}{
		"nothing is set":         {map[string]string{"OTEL_SERVICE_NAME": "x"}, "", ""},
		"general":                {map[string]string{general: "https://otel.example:4318"}, "https://otel.example:4318/v1/traces", ""},
		"general with a path":    {map[string]string{general: "https://otel.example/otlp/"}, "https://otel.example/otlp/v1/traces", ""},
		"for traces, as it is":   {map[string]string{general: "https://a.example", traces: "https://b.example/x"}, "https://b.example/x", ""},
		"disabled":               {map[string]string{general: "https://a.example", "OTEL_SDK_DISABLED": "TRUE"}, "", ""},
		"not disabled":           {map[string]string{general: "https://a.example", "OTEL_SDK_DISABLED": "1"}, "https://a.example/v1/traces", ""},
		"no exporter":            {map[string]string{general: "https://a.example", "OTEL_TRACES_EXPORTER": "none"}, "", ""},
		"another exporter":       {map[string]string{general: "https://a.example", "OTEL_TRACES_EXPORTER": "console"}, "", ""},
		"this exporter":          {map[string]string{general: "https://a.example", "OTEL_TRACES_EXPORTER": "otlp"}, "https://a.example/v1/traces", ""},
		"sampled out":            {map[string]string{general: "https://a.example", "OTEL_TRACES_SAMPLER": "always_off"}, "", ""},
		"the parent is not kept": {map[string]string{general: "https://a.example", "TRACEPARENT": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00"}, "", ""},
		"grpc":                   {map[string]string{general: "https://a.example", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, "", "OTEL_EXPORTER_OTLP_PROTOCOL: grpc is not spoken here; give the endpoint for HTTP, usually port 4318, and http/json"},
		"protobuf over http":     {map[string]string{general: "https://a.example", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, "https://a.example/v1/traces", ""},
		"not a URL":              {map[string]string{general: "http://s3cret%zz@a.example"}, "", "OTEL_EXPORTER_OTLP_ENDPOINT: is not a URL"},
		"no host":                {map[string]string{general: "otel"}, "", "OTEL_EXPORTER_OTLP_ENDPOINT: must begin with https:// and a host"},
		"fragment":               {map[string]string{general: "https://a.example/#x"}, "", "OTEL_EXPORTER_OTLP_ENDPOINT: must have no fragment"},
		"a wrong header":         {map[string]string{general: "https://a.example", "OTEL_EXPORTER_OTLP_HEADERS": "a=b,s3cret"}, "", "OTEL_EXPORTER_OTLP_HEADERS: header 2 is not NAME=VALUE"},
		"a line in a header":     {map[string]string{general: "https://a.example", "OTEL_EXPORTER_OTLP_HEADERS": "a=b%0d%0aHost: x"}, "", "OTEL_EXPORTER_OTLP_HEADERS: header 1 is not NAME=VALUE"},
	} {
		got, err := ReadConfig(func(name string) string { return c.env[name] })
		problem := ""
		if err != nil {
			problem = err.Error()
		}
		if got.Endpoint != c.endpoint || problem != c.problem {
			t.Errorf("%s: %q, %q", name, got.Endpoint, problem)
		}
	}
}

func TestReadParent(t *testing.T) {
	const trace, spanID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for text, want := range map[string]bool{ // whether it is taken
		"":                                   false,
		"00-" + trace + "-" + spanID + "-01": true,
		"00-" + trace + "-" + spanID + "-03": true,
		"01-" + trace + "-" + spanID + "-01-later":             true,
		"00-" + trace + "-" + spanID + "-01-later":             false,
		"ff-" + trace + "-" + spanID + "-01":                   false,
		"00-" + strings.ToUpper(trace) + "-" + spanID + "-01":  false,
		"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01": false,
		"00-" + trace + "-" + strings.Repeat("0", 16) + "-01":  false,
		"00-" + trace[1:] + "-" + spanID + "-01":               false,
		"00-" + trace + "-" + spanID + "-zz":                   false,
		"00-" + trace + "-" + spanID + "-0101":                 false,
		"00-" + trace + "\"-" + spanID + "-01":                 false,
	} {
		taken := parent{}
		if want {
			taken = parent{traceID: trace, spanID: spanID}
		}
		if got, sampled := readParent(text); got != taken || !sampled {
			t.Errorf("%q: %+v, %v", text, got, sampled)
		}
	}
}

func TestTimeoutIsShort(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 5 * time.Second, "800": 800 * time.Millisecond, "600000": 10 * time.Second, "-1": 5 * time.Second, "soon": 5 * time.Second} {
		c := readConfig(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a.example", "OTEL_EXPORTER_OTLP_TIMEOUT": text})
		if c.Timeout != want {
			t.Errorf("%q: %v", text, c.Timeout)
		}
	}
}

func TestAWrongResourceDiscardsAll(t *testing.T) {
	c := readConfig(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a.example", "OTEL_RESOURCE_ATTRIBUTES": "a=b,service.name=x,c"})
	if len(c.attributes) != 0 || c.service != "tagbump" {
		t.Errorf("%+v", c)
	}
}

func TestPush(t *testing.T) {
	one := pushed
	one.Images = one.Images[:1]
	got, err := Push("http://ci:s3%40cret@127.0.0.1:9091/", one)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) }
	want := "http://127.0.0.1:9091/metrics/job/tagbump/repository@base64/" + encode(one.Repository) +
		"/environment@base64/" + encode("production") + "/image@base64/" + encode("acme/web")
	if got.URL != want {
		t.Errorf("URL %s", got.URL)
	}
	header := map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte("ci:s3@cret")), "Content-Type": metricsType}
	if !maps.Equal(got.Header, header) || !bytes.Equal(got.Body, Metrics(one)) {
		t.Errorf("%v\n%s", got.Header, got.Body)
	}
}

func TestPushKeepsAGroupOfTheAddress(t *testing.T) {
	got, err := Push("http://a.example/prefix/metrics/job/deploy/team/web", pushed)
	if err != nil || got.URL != "http://a.example/prefix/metrics/job/deploy/team/web" || got.Header["Authorization"] != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAWrongAddressIsNotRepeated(t *testing.T) {
	for gateway, want := range map[string]string{
		"ftp://ci:s3cret@a.example":       "must begin with https:// and a host",
		"a.example:9091":                  "must begin with https:// and a host",
		"http://ci:s3cret%zz@a.example":   "is not a URL",
		"https://a.example/?token=s3cret": "must have no query",
		"https://a.example/#s3cret":       "must have no fragment",
	} {
		if _, err := Push(gateway, pushed); err == nil || err.Error() != want {
			t.Errorf("%s: %v", gateway, err)
		}
	}
}

func TestMessageHasTheHeaders(t *testing.T) {
	c := readConfig(t, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://a.example", "OTEL_EXPORTER_OTLP_HEADERS": "x=y", "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "Authorization=Bearer%20s3cret",
	})
	got := c.Message([]byte("{}"))
	header := map[string]string{"Authorization": "Bearer s3cret", "Content-Type": "application/json"}
	if got.URL != "http://a.example/v1/traces" || !maps.Equal(got.Header, header) || string(got.Body) != "{}" {
		t.Errorf("%+v", got)
	}
	if secrets := c.Secrets(); !slices.Equal(secrets, []string{"Bearer s3cret", "s3cret"}) {
		t.Errorf("secrets %q", secrets)
	}
}

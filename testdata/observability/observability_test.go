// Package observability holds tagbump's metrics and traces against the official parsers
// and receivers. It is a module of its own: nothing that it needs is a dependency of
// the program.
package observability

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql/parser"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/tagbump/tagbump/pkg/telemetry"
)

// tagbump is the program, built once.
var tagbump string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "tagbump")
	if err != nil {
		panic(err)
	}
	tagbump = filepath.Join(dir, "tagbump")
	build := exec.Command("go", "build", "-o", tagbump, "./cmd/tagbump")
	build.Dir = filepath.Join("..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// run is a run with everything that a metric can tell.
func run() telemetry.Run {
	start := time.Date(2024, 6, 15, 12, 30, 0, 0, time.UTC)
	return telemetry.Run{
		Command: "update", Repository: "https://github.com/acme/charts.git", Environment: "production",
		Start: start, End: start.Add(2500 * time.Millisecond), State: "pushed", Attempts: 2, Requests: 3, Pulls: 1,
		Phases: []telemetry.Phase{{Name: "resolve", Start: start, End: start.Add(time.Second)}, {Name: "push", Start: start.Add(time.Second), End: start.Add(2 * time.Second)}},
		Images: []telemetry.Image{{Name: `acme/"web"` + "\\\n", Tag: "1.5.0", Behind: 3}, {Name: "acme/api", Tag: "2", Behind: 0}},
	}
}

// names are the metrics that the program has.
func names(t *testing.T) []string {
	t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(telemetry.Metrics(run())))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for name := range families {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

func TestPrometheusParsesTheMetrics(t *testing.T) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(telemetry.Metrics(run())))
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != 11 {
		t.Errorf("%d families", len(families))
	}
	behind := families["tagbump_tags_behind"].GetMetric()
	if len(behind) != 2 || behind[0].GetLabel()[0].GetValue() != `acme/"web"`+"\\\n" || behind[0].GetGauge().GetValue() != 3 {
		t.Errorf("got %v", behind)
	}
}

func TestTheOpenMetricsParserTakesTheMetrics(t *testing.T) {
	parser := textparse.NewOpenMetricsParser(telemetry.Metrics(run()), labels.NewSymbolTable())
	samples := 0
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch entry {
		case textparse.EntrySeries:
			samples++
		case textparse.EntryType:
			if _, kind := parser.Type(); kind != model.MetricTypeGauge {
				t.Errorf("a metric of type %s", kind)
			}
		}
	}
	if samples != 13 {
		t.Errorf("%d samples", samples)
	}
}

// program returns a Debian program, or skips the test by the name of its package.
func program(t *testing.T, name, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not installed: apt-get install %s", name, pkg)
	}
	return path
}

func TestPromtoolFindsNothingToSay(t *testing.T) {
	promtool := program(t, "promtool", "prometheus")
	check := exec.Command(promtool, "check", "metrics")
	check.Stdin = bytes.NewReader(telemetry.Metrics(run()))
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
	for _, args := range [][]string{{"check", "rules", "alerts.yaml"}, {"test", "rules", "alerts_test.yaml"}} {
		if out, err := exec.Command(promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

var metric = regexp.MustCompile(`tagbump_[a-z_]+`)

// TestDashboardAndAlertsKnowTheMetrics holds that every query is PromQL, and asks for no
// metric that the program does not have.
func TestDashboardAndAlertsKnowTheMetrics(t *testing.T) {
	known := names(t)
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	source, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(source, &dashboard); err != nil {
		t.Fatal(err)
	}
	queries := 0
	for _, panel := range dashboard.Panels {
		for _, target := range panel.Targets {
			queries++
			if _, err := parser.ParseExpr(target.Expr); err != nil {
				t.Errorf("%s: %v", panel.Title, err)
			}
		}
	}
	alerts, err := os.ReadFile("alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range metric.FindAllString(string(source)+string(alerts), -1) {
		if !slices.Contains(known, name) {
			t.Errorf("there is no metric %s", name)
		}
	}
	if queries < 6 {
		t.Errorf("%d queries", queries)
	}
}

// pushgateway starts Debian's Pushgateway and returns its address.
func pushgateway(t *testing.T) string {
	t.Helper()
	path := program(t, "prometheus-pushgateway", "prometheus-pushgateway")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--web.listen-address="+address)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if resp, err := http.Get("http://" + address + "/-/ready"); err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + address
			}
		}
	}
	t.Fatal("the Pushgateway does not answer")
	return ""
}

// bump runs the program on a folder with one file.
func bump(t *testing.T, env []string, tag string, more ...string) (stderr string, err error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{
		"values.yaml":   "image:\n  repository: acme/web\n  tag: 1.4.0\n",
		".tagbump.yaml": "environments:\n  production: {files: [values.yaml]}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(tagbump, append([]string{"update", "acme/web:" + tag, "--no-verify"}, more...)...)
	cmd.Dir = dir
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir}, env...)
	var talk bytes.Buffer
	cmd.Stderr = &talk
	err = cmd.Run()
	return talk.String(), err
}

func scrape(t *testing.T, gateway string) map[string]string {
	t.Helper()
	resp, err := http.Get(gateway + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]string{}
	for name, family := range families {
		for _, one := range family.GetMetric() {
			where := ""
			for _, label := range one.GetLabel() {
				where += fmt.Sprintf(" %s=%s", label.GetName(), label.GetValue())
			}
			values[name+where] = fmt.Sprint(one.GetGauge().GetValue())
		}
	}
	return values
}

func TestAPushgatewayTakesTheMetrics(t *testing.T) {
	gateway := pushgateway(t)
	if talk, err := bump(t, []string{"TAGBUMP_METRICS_PUSH=" + gateway}, "1.5.0"); err != nil || talk != "" {
		t.Fatalf("%v\n%s", err, talk)
	}
	first := scrape(t, gateway)
	group := func(name string) string {
		return name + " environment=production image=acme/web instance= job=tagbump repository=."
	}
	success := group("tagbump_run_last_success_timestamp_seconds")
	if first[group("tagbump_run_success")] != "1" || first[success] == "" {
		t.Fatalf("got %v", first)
	}

	// A failure of the same environment: the time of the last success stays, the result of
	// before goes.
	if _, err := bump(t, []string{"TAGBUMP_METRICS_PUSH=" + gateway}, "1.3.0"); err == nil {
		t.Fatal("an older tag was taken")
	}
	second := scrape(t, gateway)
	if second[group("tagbump_run_success")] != "0" || second[group("tagbump_run_exit_code")] != "4" || second[success] != first[success] {
		t.Errorf("got %v", second)
	}
	results := 0
	for name := range second {
		if strings.HasPrefix(name, "tagbump_run_result ") {
			results++
		}
	}
	if results != 1 {
		t.Errorf("%d results in %v", results, second)
	}
}

func TestACollectorTakesTheTrace(t *testing.T) {
	var got []ptrace.Traces
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		export := ptraceotlp.NewExportRequest()
		if err == nil {
			err = export.UnmarshalJSON(body)
		}
		if err != nil || req.URL.Path != "/v1/traces" || req.Header.Get("Content-Type") != "application/json" || req.Header.Get("X-Team") != "web" {
			http.Error(w, fmt.Sprint("refused: ", err), http.StatusBadRequest)
			return
		}
		got = append(got, export.Traces())
		_, _ = io.WriteString(w, `{"partialSuccess":{}}`)
	}))
	defer collector.Close()
	talk, err := bump(t, []string{
		"OTEL_EXPORTER_OTLP_ENDPOINT=" + collector.URL, "OTEL_EXPORTER_OTLP_HEADERS=x-team=web", "OTEL_SERVICE_NAME=deploy",
		"TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}, "1.5.0")
	if err != nil || talk != "" || len(got) != 1 {
		t.Fatalf("%v, %d traces\n%s", err, len(got), talk)
	}
	resource := got[0].ResourceSpans().At(0)
	if name, _ := resource.Resource().Attributes().Get("service.name"); name.Str() != "deploy" {
		t.Errorf("service %q", name.Str())
	}
	spans := resource.ScopeSpans().At(0).Spans()
	root := spans.At(0)
	if root.TraceID().String() != "4bf92f3577b34da6a3ce929d0e0e4736" || root.ParentSpanID().String() != "00f067aa0ba902b7" || root.Name() != "tagbump update" {
		t.Errorf("root %s of trace %s below %s", root.Name(), root.TraceID(), root.ParentSpanID())
	}
	if tags, _ := root.Attributes().Get("container.image.tags"); tags.Slice().At(0).Str() != "1.5.0" {
		t.Errorf("attributes %v", root.Attributes().AsRaw())
	}
	var phases []string
	for i := 1; i < spans.Len(); i++ {
		span := spans.At(i)
		phases = append(phases, span.Name())
		if span.ParentSpanID() != root.SpanID() || span.TraceID() != root.TraceID() || span.StartTimestamp() < root.StartTimestamp() || span.EndTimestamp() > root.EndTimestamp() {
			t.Errorf("%s is not in the root", span.Name())
		}
	}
	if !slices.Equal(phases, []string{"resolve", "plan", "push"}) {
		t.Errorf("phases %q", phases)
	}
}

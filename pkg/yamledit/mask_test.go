package yamledit

import (
	"strings"
	"testing"
)

// TestMaskKeepsWhatYAMLReads shows the text that the parser sees of a template. A
// placeholder is as long as its action, so each row is as wide as its template.
func TestMaskKeepsWhatYAMLReads(t *testing.T) {
	for name, test := range map[string]struct{ template, want string }{
		"a value": {
			"image: {{ .Values.image }}\n",
			"image: ___________________\n",
		},
		"part of a value": {
			"image: \"{{ .r }}/web:{{ .t }}\" # {{ .c }}\n",
			"image: \"________/web:________\" # ________\n",
		},
		"a key": {
			"{{ .name }}: x\n",
			"___________: x\n",
		},
		"a line of its own": {
			"a: 1\n  {{- if .x }}\nb: 2\n{{- end }}\n",
			"a: 1\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nb: 2\n\n\n\n\n\n\n\n\n\n\n\n",
		},
		"two on a line": {
			"{{ if .x }} {{ if .y }}\na: 1\n",
			strings.Repeat("\n", 24) + "a: 1\n",
		},
		"a comment after it": {
			"{{ end }} # of if\na: 1\n",
			strings.Repeat("\n", 18) + "a: 1\n",
		},
		"over several lines": {
			"a: 1\n{{ include\n  \"x\" . }}\nb: 2\n",
			"a: 1\n" + strings.Repeat("\n", 22) + "b: 2\n",
		},
		"children follow": {
			"labels: {{ include \"labels\" . | nindent 2 }}\n  app: web\n",
			"labels:                                     \n  app: web\n",
		},
		"children of a list": {
			"args: {{ .x }}\n- --debug\n",
			"args:         \n- --debug\n",
		},
		"children of an item": {
			"- {{ .x }}\n  name: web\n",
			"-         \n  name: web\n",
		},
		"an item of an item": {
			"- - {{ .x }}\n    name: web\n",
			"- -         \n    name: web\n",
		},
		"children after comments": {
			"a: {{ .x }} # c\n\n# d\n  b: 1\n",
			"a:          # c\n\n# d\n  b: 1\n",
		},
		"no children": {
			"a: {{ .x }}\nb: 1\n",
			"a: ________\nb: 1\n",
		},
		"no children of an item": {
			"- {{ .x }}\n- b\n",
			"- ________\n- b\n",
		},
		"the last line": {
			"a: {{ .x }}",
			"a: ________",
		},
		"CR LF": {
			"{{ .x }}\r\na: {{ .y }}\r\n",
			"\n\n\n\n\n\n\n\n\r\na: ________\r\n",
		},
		"a byte order mark": {
			"\ufeff{{ .x }}\na: 1\n",
			"\ufeff\n\n\n\n\n\n\n\n\na: 1\n",
		},
		"braces in a string": {
			"a: {{ \"}}\" }}b\n",
			"a: __________b\n",
		},
		"braces in a raw string": {
			"a: {{ `}}\n` }}b\n",
			"a: ___________b\n",
		},
		"braces in a character": {
			"a: {{ '}' }}}b\n",
			"a: _________}b\n",
		},
		"an escaped quote": {
			"a: {{ \"\\\"}}\" }}b\n",
			"a: ____________b\n",
		},
		"braces in a comment": {
			"{{/* a }} \" b */}}\nc: 1\n",
			strings.Repeat("\n", 19) + "c: 1\n",
		},
		"a trimmed comment": {
			"{{- /* a }} */ -}}\nc: 1\n",
			strings.Repeat("\n", 19) + "c: 1\n",
		},
		"a comment without an end": {
			"{{/* a }}\nc: 1\n",
			strings.Repeat("\n", 10) + "c: 1\n",
		},
		"a quote without an end": {
			"a: {{ \"x }} # \"\n",
			"a: ________ # \"\n",
		},
		"an apostrophe": {
			"a: {{ don't }}\nb: {{ x }}\n",
			"a: ___________\nb: _______\n",
		},
		"not closed": {
			"a: {{ .x }}\nb: {{ .y\n",
			"a: ________\nb: {{ .y\n",
		},
	} {
		src := []byte(test.template)
		got := string(mask(src, templateActions(src)))
		if got != test.want {
			t.Errorf("%s: %q\nwant %q", name, got, test.want)
		}
		if len(got) != len(src) {
			t.Errorf("%s: %d bytes, not %d", name, len(got), len(src))
		}
	}
}

// TestTemplatesAreEdited replaces a value in templates as charts have them.
func TestTemplatesAreEdited(t *testing.T) {
	const deployment = `{{- if .Values.web.enabled -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "web.fullname" . }}
  labels:
    {{- include "web.labels" . | nindent 4 }}
spec:
  {{- with .Values.replicas }}
  replicas: {{ . }}
  {{- end }}
  template:
    metadata:
      annotations: {{ toYaml .Values.annotations | nindent 8 }}
        checksum/config: {{ include (print $.Template.BasePath "/config.yaml") . | sha256sum }}
    spec:
      containers:
      - name: {{ .Chart.Name }}
        image: "{{ .Values.image.registry }}/acme/web:1.4.0"
        {{- if .Values.debug }}
        args: ["--debug", {{ .Values.level | quote }}]
        {{- else }}
        args: ["--quiet"]
        {{- end }}
      - name: proxy
        image: envoyproxy/envoy:v1.30.1
        env:
        - {name: TAG, value: {{ .Values.proxy.tag | default "v1.30.1" | quote }}}
      {{- range .Values.sidecars }}
      - name: {{ .name }}
        image: {{ .image }}
      {{- end }}
{{- end }}
`
	for path, test := range map[string]struct{ value, old, new string }{
		"spec.template.spec.containers[0].image":          {"{{ .Values.image.registry }}/acme/web:1.5.0", "acme/web:1.4.0", "acme/web:1.5.0"},
		"spec.template.spec.containers[name=proxy].image": {"envoyproxy/envoy:v1.31.0", "envoy:v1.30.1", "envoy:v1.31.0"},
		"apiVersion": {"apps/v2", "apps/v1", "apps/v2"},
		"spec.template.spec.containers[0].args[0]": {"--trace", "--debug", "--trace"},
		"kind": {"StatefulSet", "Deployment", "StatefulSet"},
		"spec.template.spec.containers[1].env[0].name": {"VERSION", "name: TAG", "name: VERSION"},
	} {
		want := strings.Replace(deployment, test.old, test.new, 1)
		got, err := edit(deployment, path, test.value)
		if err != nil || got != want {
			t.Errorf("%s: got\n%s%v", path, got, err)
		}
	}
	for path, want := range map[string]string{
		"metadata.name":                                 `metadata.name: line 5: is set by the template action {{ include "web.fullname" . }}`,
		"spec.replicas":                                 "spec.replicas: line 10: is set by the template action {{ . }}",
		"spec.template.spec.containers[2].image":        "spec.template.spec.containers[2].image: line 31: is set by the template action {{ .image }}",
		"spec.template.spec.containers[1].env[0].value": `spec.template.spec.containers[name=proxy].env[name=TAG].value: line 28: is set by the template action {{ .Values.proxy.tag | default "v1.30.1" | quote }}`,
	} {
		if _, err := edit(deployment, path, "x"); words(err) != want {
			t.Errorf("%s: %v\nwant %s", path, err, want)
		}
	}
}

// TestTemplatesAreReadByLine edits what not even placeholders make YAML.
func TestTemplatesAreReadByLine(t *testing.T) {
	const helpers = `{{- define "web.container" -}}
- name: web
  image: acme/web:1.4.0 # the web image
  {{- if .debug }}
    tag: "1.4.0"
  {{- end }}
 ports: [
- image: 'acme/api:1.4.0'
  plain: {{ .x }}
  list: [a]
  # tag: commented
  block: |
{{- end }}
`
	text, err := Read([]byte(helpers))
	if err != nil {
		t.Fatal(err)
	}
	if want := "cannot be parsed near line 7: did not find expected key"; !strings.HasPrefix(words(text.Partial()), "cannot be parsed near line") {
		t.Errorf("partial: %v, want %s", text.Partial(), want)
	}
	var got []string
	for _, root := range text.Documents() {
		root.Walk(func(n *Node) {
			if s, err := n.Scalar(); err == nil {
				got = append(got, s.Path.String()+"="+s.Value+" "+s.Style.String())
			}
		})
	}
	want := "[name=web].name=web plain|image=acme/web:1.4.0 plain|tag=1.4.0 double-quoted|[0].image=acme/api:1.4.0 single-quoted|plain={{ .x }} plain"
	if strings.Join(got, "|") != want {
		t.Errorf("%s\nwant %s", strings.Join(got, "|"), want)
	}
	s, err := text.Documents()[1].Field("image").Scalar()
	if err != nil {
		t.Fatal(err)
	}
	e, err := s.Replace("acme/web:1.5.0")
	if err != nil {
		t.Fatal(err)
	}
	after, err := text.Apply(e)
	if err != nil || string(after) != strings.Replace(helpers, "web:1.4.0", "web:1.5.0", 1) {
		t.Errorf("%s%v", after, err)
	}
	e.New = "x\n  tag: y"
	if _, err := text.Apply(e); words(err) != "the edit would change the number of documents" {
		t.Errorf("a spoiled line: %v", err)
	}
	for src, want := range map[string]string{
		"a: [\n":             "is not a template",
		"{{ x }}\n  [\n":     "has no line with a key and a value",
		"{{ x }}\na: \xff\n": "line 2: is not UTF-8",
	} {
		if _, err := ParseLines([]byte(src)); words(err) != want {
			t.Errorf("%q: %v, want %s", src, err, want)
		}
	}
	if _, err := Read([]byte("{{ x }}\n  [\n")); words(err) != "cannot be parsed near line 2: did not find expected node content" {
		t.Error(err)
	}
}

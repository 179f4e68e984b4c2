{{- define "literal.labels" -}}
app: web
{{- end -}}

{{- define "pair.image" -}}
{{- printf "%s/%s:%v" .registry .repository .tag -}}
{{- end -}}

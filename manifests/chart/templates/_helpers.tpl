{{- define "logscan.labels" -}}
app.kubernetes.io/name: logscan
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: logscan
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "logscan.image" -}}
{{ .image.repository }}:{{ .image.tag | default .version }}
{{- end -}}

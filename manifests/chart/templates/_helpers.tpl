{{- define "logscan.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (replace "+" "_" .Chart.Version) }}
app.kubernetes.io/name: logscan
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: logscan
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "logscan.operatorSelector" -}}
app.kubernetes.io/name: logscan
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "logscan.image" -}}
{{ .image.repository }}{{ if .image.digest }}@{{ .image.digest }}{{ else }}:{{ .image.tag | default .version }}{{ end }}
{{- end -}}

{{- /* Every namespace in which scans run, the release's own first. */ -}}
{{- define "logscan.namespaces" -}}
{{ prepend (without (.Values.watchNamespaces | default list) .Release.Namespace) .Release.Namespace | uniq | toJson }}
{{- end -}}

{{- /* Labels of the nodes on which pods run, as JSON: those given, and the architecture if images are for one only.
Arguments: a list of the root and the labels given. */ -}}
{{- define "logscan.nodeSelector" -}}
{{- $architectures := (index . 0).Values.architectures -}}
{{- $image := ternary (dict "kubernetes.io/arch" (first $architectures)) dict (eq (len $architectures) 1) -}}
{{- merge (dict) (index . 1 | default dict) $image | toJson -}}
{{- end -}}

{{- /* The operator's service account. */ -}}
{{- define "logscan.account" -}}
{{ .Values.serviceAccount.name | default (ternary "logscan-operator" "default" .Values.serviceAccount.create) }}
{{- end -}}

{{- /* The Secret with the keys that sign rows. */ -}}
{{- define "logscan.signingKeys" -}}
{{ .Values.signingKeys.secret | default "logscan-signing-keys" }}
{{- end -}}

{{- /* auto: whether the cluster knows a kind. Arguments: wanted, capabilities, api. */ -}}
{{- define "logscan.wanted" -}}
{{- if or (eq (toString .wanted) "true") (and (eq (toString .wanted) "auto") (.capabilities.APIVersions.Has .api)) -}}
true
{{- end -}}
{{- end -}}

{{- /* A number as it was written: Helm makes 2592000 a float, which would print as 2.592e+06. */ -}}
{{- define "logscan.plain" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- end -}}

{{- /* The pod security that every pod of the chart has: the level "restricted". */ -}}
{{- define "logscan.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "logscan.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

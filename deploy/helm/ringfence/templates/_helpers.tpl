{{- define "ringfence.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "ringfence.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "ringfence.baseLabels" -}}
app.kubernetes.io/name: {{ include "ringfence.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "ringfence.selectorLabels" -}}
{{ include "ringfence.baseLabels" . }}
app.kubernetes.io/component: collector
{{- end }}

{{- define "ringfence.labels" -}}
{{ include "ringfence.baseLabels" . }}
app.kubernetes.io/part-of: ringfence
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "ringfence.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "ringfence.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end }}

{{- define "ringfence.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end }}

{{- define "ringfence.probe" -}}
httpGet:
  {{- if not .Values.metricsOnNodeAddress }}
  host: 127.0.0.1
  {{- end }}
  port: {{ .Values.metricsPort }}
{{- end }}

{{- define "plut.name" -}}
{{ .root.Release.Name }}-{{ include "plut.process" . }}
{{- end }}

{{- define "plut.process" -}}
{{- if eq .service .role }}{{ .service }}{{ else }}{{ .service }}-{{ .role }}{{ end -}}
{{- end }}

{{- define "plut.selector" -}}
app.kubernetes.io/name: plut
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .service }}
plut/service: {{ . }}
{{- end }}
{{- with .role }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end }}

{{- define "plut.labels" -}}
{{ include "plut.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "plut.image" -}}
{{- $image := .root.Values.image -}}
{{- $service := ternary "reporting" .service (eq .service "watch") -}}
{{- $name := printf "%s%s" $image.prefix $service -}}
{{- with $image.registry }}{{ $name = printf "%s/%s" . $name }}{{ end -}}
{{- with index $image.digests $service }}{{ $name }}@{{ . }}{{ else }}{{ $name }}:{{ $image.tag | default .root.Chart.AppVersion }}{{ end }}
{{- end }}

{{/* The role of the database that a process logs in as. */}}
{{- define "plut.databaseRole" -}}
{{- get (dict "migrate" "owner" "api" "app" "relay" "worker" "consume" "worker") .role -}}
{{- end }}

{{- define "plut.usesKafka" -}}
{{- if has .role (list "relay" "consume" "watch") }}yes{{ end -}}
{{- end }}

{{/* Only these two read and write what is personal. */}}
{{- define "plut.usesKeys" -}}
{{- if and (eq .service "registry") (has .role (list "api" "consume")) }}yes{{ end -}}
{{- end }}

{{- define "plut.secretFiles" -}}
/run/secrets/plut
{{- end }}

{{/* The rights and topics of Kafka, made from the catalogue by `python -m deploy.documents`. */}}
{{- define "plut.kafka" -}}
{{ .Files.Get "files/kafka.json" }}
{{- end }}

{{- define "plut.consumerGroup" -}}
{{- $group := index (include "plut.kafka" .root | fromJson).follows (printf "%s-consume" .service) "group" -}}
{{- if hasSuffix "-" $group }}{{ $group }}{{ .root.Values.keda.reportingSet }}{{ else }}{{ $group }}{{ end -}}
{{- end }}

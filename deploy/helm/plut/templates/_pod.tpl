{{/* A pod of one process of ours: everything that is the same for all of them. */}}

{{- define "plut.pod" -}}
{{- $values := .root.Values -}}
metadata:
  labels:
    {{- include "plut.labels" . | nindent 4 }}
    {{- with $values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  automountServiceAccountToken: false
  enableServiceLinks: false
  {{- with $values.image.pullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 10001
    runAsGroup: 10001
    fsGroup: 10001
    seccompProfile: { type: RuntimeDefault }
  {{- with $values.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- if ne .role "migrate" }}
  topologySpreadConstraints:
    {{- range $values.topologySpread }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "plut.selector" $ | nindent 10 }}
    {{- end }}
  {{- end }}
  # What arrives during the sleep is still answered; then every process ends within ten seconds.
  terminationGracePeriodSeconds: 20
  {{- if eq .role "migrate" }}
  restartPolicy: Never
  {{- end }}
  {{- if include "plut.usesKeys" . }}
  initContainers:
    # Keys are taken from files of mode 0600 only, and a secret's files belong to root.
    - name: keys
      image: {{ include "plut.image" . }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      command: [sh, -c, "umask 077 && cp -L /run/keys/* /run/own-keys/"]
      resources: { requests: { cpu: 10m, memory: 16Mi }, limits: { memory: 64Mi } }
      {{- include "plut.containerSecurity" . | nindent 6 }}
      volumeMounts:
        - { name: keys, mountPath: /run/keys, readOnly: true }
        - { name: own-keys, mountPath: /run/own-keys }
  {{- end }}
  containers:
    - name: {{ .role }}
      image: {{ include "plut.image" . }}
      imagePullPolicy: {{ $values.image.pullPolicy }}
      command: {{ ternary "[python, -m, shared.watch]" (printf "[python, -m, services.%s, %s]" .service .role) (eq .role "watch") }}
      {{- include "plut.containerSecurity" . | nindent 6 }}
      env:
        {{- include "plut.environment" . | trim | nindent 8 }}
      resources:
        {{- toYaml .resources | nindent 8 }}
      {{- if ne .role "migrate" }}
      {{- include "plut.probes" . | nindent 6 }}
      {{- end }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
        - { name: secrets, mountPath: {{ include "plut.secretFiles" . }}, readOnly: true }
        {{- if include "plut.usesKeys" . }}
        - { name: own-keys, mountPath: /run/own-keys, readOnly: true }
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: { sizeLimit: 512Mi }
    - name: secrets
      projected:
        defaultMode: 0440
        sources:
          {{- include "plut.secrets" . | trim | nindent 10 }}
    {{- if include "plut.usesKeys" . }}
    - name: keys
      secret: { secretName: {{ $values.services.registry.keysSecret }}, defaultMode: 0440 }
    - name: own-keys
      emptyDir: { medium: Memory, sizeLimit: 1Mi }
    {{- end }}
{{- end }}

{{- define "plut.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{/* Whoever waits for Kafka or Postgres is not restarted for it; an api only gets no requests meanwhile. */}}
{{- define "plut.probes" -}}
ports:
  - { name: http, containerPort: 8000 }
startupProbe:
  httpGet: { path: /live, port: http }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /live, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: {{ ternary "/ready" "/live" (eq .role "api") }}, port: http }
  periodSeconds: 5
  timeoutSeconds: 3
{{- if eq .role "api" }}
lifecycle:
  preStop:
    sleep: { seconds: 5 }
{{- end }}
{{- end }}

{{- define "plut.environment" -}}
{{- $values := .root.Values -}}
{{- $files := include "plut.secretFiles" . -}}
{{- $told := dict
  "PLUT_ENV" $values.environment
  "PLUT_LOG_FORMAT" "json"
  "PLUT_LOG_LEVEL" $values.logLevel
  "PLUT_SECRETS_DIR" $files
  "PLUT_HTTP_HOST" "0.0.0.0"
  "PLUT_HTTP_PORT" 8000 -}}
{{- if include "plut.databaseRole" . -}}
{{- $told = merge $told (dict
  "PLUT_POSTGRES_HOST" $values.postgres.host
  "PLUT_POSTGRES_PORT" $values.postgres.port
  "PLUT_POSTGRES_DATABASE" $values.postgres.database
  "PLUT_POSTGRES_SSLMODE" $values.postgres.sslmode) -}}
{{- if eq $values.postgres.sslmode "verify-full" -}}
{{- $_ := set $told "PLUT_POSTGRES_CA_FILE" (printf "%s/postgres-ca.crt" $files) -}}
{{- end -}}
{{- end -}}
{{- if eq .role "api" -}}
{{- $_ := set $told "PLUT_ISSUER_URL" $values.issuer.url -}}
{{- $_ := set $told "PLUT_AUDIENCE" $values.issuer.audience -}}
{{- end -}}
{{- if include "plut.usesKafka" . -}}
{{- $_ := set $told "PLUT_KAFKA_BOOTSTRAP" $values.kafka.bootstrap -}}
{{- $_ := set $told "PLUT_KAFKA_REPLICATION" $values.kafka.replication -}}
{{- $_ := set $told "PLUT_KAFKA_SECURITY_PROTOCOL" $values.kafka.securityProtocol -}}
{{- if eq $values.kafka.securityProtocol "SASL_SSL" -}}
{{- $_ := set $told "PLUT_KAFKA_USER" (include "plut.process" .) -}}
{{- $_ := set $told "PLUT_KAFKA_CA_FILE" (printf "%s/kafka-ca.crt" $files) -}}
{{- end -}}
{{- end -}}
{{- if include "plut.usesKeys" . -}}
{{- $_ := set $told "PLUT_KEYS_DIR" "/run/own-keys" -}}
{{- end -}}
{{- with index $values.services .service -}}
{{- $told = merge $told (.settings | default dict) -}}
{{- end -}}
{{- range $name, $value := $told }}
- { name: {{ $name }}, value: {{ $value | toString | quote }} }
{{- end }}
{{- end }}

{{/* One directory of files, named as settings want them. A process gets its own role's password and no other. */}}
{{- define "plut.secrets" -}}
{{- $values := .root.Values -}}
{{- with include "plut.databaseRole" . }}
- secret:
    name: {{ $values.postgres.secretPrefix }}{{ $.service }}-{{ . }}
    items: [{ key: password, path: plut_postgres_password }]
{{- if eq $values.postgres.sslmode "verify-full" }}
- secret:
    name: {{ $values.postgres.ca.secret }}
    items: [{ key: {{ $values.postgres.ca.key }}, path: postgres-ca.crt }]
{{- end }}
{{- end }}
{{- if and (include "plut.usesKafka" .) (eq $values.kafka.securityProtocol "SASL_SSL") }}
- secret:
    name: {{ $values.kafka.secretPrefix }}{{ include "plut.process" . }}
    items: [{ key: password, path: plut_kafka_password }]
- secret:
    name: {{ $values.kafka.ca.secret }}
    items: [{ key: {{ $values.kafka.ca.key }}, path: kafka-ca.crt }]
{{- end }}
{{- if or (eq .role "api") (include "plut.usesKeys" .) }}
- secret:
    name: {{ (index $values.services .service).secret }}
{{- end }}
{{- end }}

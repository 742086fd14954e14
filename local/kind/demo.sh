#!/usr/bin/env bash
# Upload a log and show what becomes of it. LOG=/path takes one of yours.
# shellcheck source=local/kind/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

[[ -f $STATE/state.json ]] || fail "there is no cluster $CLUSTER: run \`make kind-up\` first"
KUBECTL=$(tool kubectl)
log=${LOG:-$STATE/demo.log}
# The API server's own log is always there and always has something in it.
[[ -n ${LOG:-} ]] || "$KUBECTL" --namespace kube-system logs --selector component=kube-apiserver --tail 2000 >"$log"
name=$("$BIN/python" -m logscan_local.kind upload --state "$STATE" "$log")

"$KUBECTL" --namespace logscan wait --for create "logscan/$name" --timeout 60s ||
  fail "the upload became no LogScan: kubectl --namespace localstack logs deployment/bridge; kubectl --namespace logscan logs deployment/logscan-operator"
"$KUBECTL" --namespace logscan wait --for 'jsonpath={.status.completionTime}' "logscan/$name" --timeout 120s ||
  fail "the scan did not end: kubectl --namespace logscan describe logscan $name"
"$KUBECTL" --namespace logscan get logscans --output wide
"$KUBECTL" --namespace logscan get logscan "$name" --output 'jsonpath={.status.summary}{"\n"}'

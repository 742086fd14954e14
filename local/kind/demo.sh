#!/usr/bin/env bash
# Upload a log and show the result. LOG=/path uploads one of yours.
# shellcheck source=local/kind/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cluster_is_up
KUBECTL=$(tool kubectl)
log=${LOG:-$STATE/demo.log}
# The API server's own log is always there and always has something in it.
[[ -n ${LOG:-} ]] || "$KUBECTL" --namespace kube-system logs --selector component=kube-apiserver --tail 2000 >"$log"
helper demo "$log"

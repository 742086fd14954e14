# shellcheck shell=bash
# Shared by the scripts beside it: where things are, and waits that end.
set -euo pipefail

KIND_FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(cd "$KIND_FOLDER/../.." && pwd)
BIN="$REPOSITORY/.venv/bin"
CLUSTER=${KIND_CLUSTER:-logscan}
STATE="${XDG_CACHE_HOME:-$HOME/.cache}/logscan/kind/$CLUSTER"
export KUBECONFIG="$STATE/kubeconfig"

fail() {
  echo "$*" >&2
  exit 1
}

# need PROGRAM HINT: end with the hint unless the program is there.
need() {
  command -v "$1" >/dev/null || fail "$1 is not on PATH: $2"
}

# tool NAME: the machine's own program, or the one that logscan builds from its Go module.
tool() {
  "$BIN/python" -m logscan_local.binaries "$1"
}

# rolled_out NAMESPACE DEPLOYMENT SECONDS: wait for a Deployment, or show what is wrong with it.
rolled_out() {
  "$KUBECTL" --namespace "$1" rollout status "deployment/$2" --timeout "${3}s" && return
  "$KUBECTL" --namespace "$1" get pods --output wide >&2
  "$KUBECTL" --namespace "$1" describe "deployment/$2" | tail -20 >&2
  "$KUBECTL" --namespace "$1" logs "deployment/$2" --tail 20 >&2 || true
  fail "$2 was not ready within $3 s: see its pods, its events and its log above"
}

# shellcheck shell=bash
# Shared by the scripts in this folder: paths and checks.
set -euo pipefail

KIND_FOLDER=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
REPOSITORY=$(cd "$KIND_FOLDER/../.." && pwd)
BIN="$REPOSITORY/.venv/bin"
CLUSTER=${KIND_CLUSTER:-logscan}
CACHE=${LOGSCAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/logscan}
[[ $CACHE == /* ]] || CACHE="$PWD/$CACHE"
STATE="$CACHE/kind/$CLUSTER"
export KUBECONFIG="$STATE/kubeconfig"

fail() {
  echo "$*" >&2
  exit 1
}

# need PROGRAM HINT: fail with the hint if the program is missing.
need() {
  command -v "$1" >/dev/null || fail "$1 is not on PATH: $2"
}

# tool NAME: print the path of a program, built from its Go module if the machine has none.
tool() {
  "$BIN/python" -m logscan_tools.binaries "$1"
}

# cluster_is_up: fail unless `make kind-up` has succeeded.
cluster_is_up() {
  [[ -f $STATE/state.json ]] || fail "cluster $CLUSTER does not exist: run \`make kind-up\` first"
}

# helper ARGUMENT...: run a step that is written in Python (see `helper --help`).
helper() {
  "$BIN/python" -m logscan_local.kind --state "$STATE" --kubectl "$KUBECTL" "$@"
}

# rolled_out NAMESPACE DEPLOYMENT SECONDS: wait for a Deployment, or fail and show why it is not ready.
rolled_out() {
  helper --namespace "$1" rollout "$2" "$3"
}

# docker_answers: fail unless a Docker engine is running.
docker_answers() {
  need docker "kind runs its nodes as containers; without Docker, use \`make demo\`"
  docker info >/dev/null 2>&1 || fail "the Docker engine does not answer: start it and try again"
}

# content_tag IMAGE: print a tag made from the content, so that a changed image replaces its pods.
content_tag() {
  local id
  id=$(docker image inspect --format '{{.Id}}' "$1") && echo "kind-${id:7:12}"
}

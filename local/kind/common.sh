# shellcheck shell=bash
# Shared by the scripts beside it: where things are, and waits that end.
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

# need PROGRAM HINT: end with the hint unless the program is there.
need() {
  command -v "$1" >/dev/null || fail "$1 is not on PATH: $2"
}

# tool NAME: the machine's own program, or the one that logscan builds from its Go module.
tool() {
  "$BIN/python" -m logscan_tools.binaries "$1"
}

# cluster_is_up: end unless `make kind-up` has come to its end once.
cluster_is_up() {
  [[ -f $STATE/state.json ]] || fail "there is no cluster $CLUSTER: run \`make kind-up\` first"
}

# helper ARGUMENT...: the part of the work that is Python (`--help` tells).
helper() {
  "$BIN/python" -m logscan_local.kind --state "$STATE" --kubectl "$KUBECTL" "$@"
}

# rolled_out NAMESPACE DEPLOYMENT SECONDS: wait for a Deployment, or show what is wrong with it and end.
rolled_out() {
  helper --namespace "$1" rollout "$2" "$3"
}

# docker_answers: end unless there is a Docker engine.
docker_answers() {
  need docker "kind runs its nodes as containers; without Docker there is \`make demo\`"
  docker info >/dev/null 2>&1 || fail "the Docker engine does not answer: start it, then run this again"
}

# content_tag IMAGE: a tag that is another one when the image is, so that a changed image makes a new pod.
content_tag() {
  local id
  id=$(docker image inspect --format '{{.Id}}' "$1") && echo "kind-${id:7:12}"
}

#!/usr/bin/env bash
# Remove the cluster and its files; images stay in Docker. Works in a clone without .venv too.
# shellcheck source=local/kind/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# find_kind: any kind removes a cluster: the machine's own, or the one that `make kind-up` built into the cache.
find_kind() {
  local built
  command -v kind && return
  for built in "$CACHE"/bin/*/kind; do
    [[ -x $built ]] && echo "$built" && return
  done
  return 1
}

if KIND=$(find_kind); then
  docker_answers
  "$KIND" delete cluster --name "$CLUSTER" --kubeconfig "$KUBECONFIG"
elif [[ -d $STATE ]]; then
  fail "there is no kind to remove the cluster with, neither on PATH nor in $CACHE/bin. By hand:
  docker rm --force --volumes \$(docker ps --all --quiet --filter label=io.x-k8s.kind.cluster=$CLUSTER)
  rm -r $STATE"
fi
rm -rf "$STATE"

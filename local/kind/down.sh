#!/usr/bin/env bash
# Delete the cluster and its files; the images stay in Docker. Works without .venv.
# shellcheck source=local/kind/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

# find_kind: print the path of kind; the machine's own or the one in the cache, of any version.
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
  fail "kind is neither on PATH nor in $CACHE/bin. To delete the cluster by hand:
  docker rm --force --volumes \$(docker ps --all --quiet --filter label=io.x-k8s.kind.cluster=$CLUSTER)
  rm -r $STATE"
fi
rm -rf "$STATE"

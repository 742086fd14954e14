#!/usr/bin/env bash
# Create a kind cluster with LocalStack and logscan. Run it again after a change of the code, a restart of Docker or a
# failed run: it keeps what works and repairs or replaces the rest.
# shellcheck source=local/kind/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

docker_answers
KIND=$(tool kind)
KUBECTL=$(tool kubectl)
HELM=$(tool helm)
mkdir -p "$STATE"

# exists: succeed if kind knows the cluster.
exists() {
  "$KIND" get clusters 2>/dev/null | grep -qx "$CLUSTER"
}

# create: create the cluster; a failed one is kept, so that its logs can be read.
create() {
  rm -f "$KUBECONFIG" "$STATE/state.json" # left from a cluster that was removed by other means
  "$KIND" create cluster --name "$CLUSTER" --config "$KIND_FOLDER/cluster.yaml" --kubeconfig "$KUBECONFIG" \
    --wait 180s --retain || fail "the cluster did not start. Its output is above, and its node is kept:
  docker ps --all --filter label=io.x-k8s.kind.cluster=$CLUSTER
  docker logs $CLUSTER-control-plane
  $KIND export logs --name $CLUSTER $STATE/logs
\`make kind-up\` removes it and tries again, \`make kind-down\` removes it."
}

# start_nodes: start the nodes after a restart of Docker or of the machine.
start_nodes() {
  local node
  for node in $("$KIND" get nodes --name "$CLUSTER"); do
    docker start "$node" >/dev/null || fail "node $node does not start: see \`docker logs $node\`"
  done
}

if exists && [[ ! -s $KUBECONFIG ]]; then # kind writes it last
  echo "removing the unfinished cluster of an earlier run ..."
  "$KIND" delete cluster --name "$CLUSTER"
fi
if exists; then start_nodes; else create; fi
helper answers 180

LOGSCAN_IMAGE_TOOL=docker "$BIN/python" -m logscan_tools.imagebuild --tag kind
operator=$(content_tag logscan-operator:kind)
scanner=$(content_tag logscan-scanner:kind)
docker tag logscan-operator:kind "logscan-operator:$operator"
docker tag logscan-scanner:kind "logscan-scanner:$scanner"
echo "loading the images into the node ..."
"$KIND" load docker-image "logscan-operator:$operator" "logscan-scanner:$scanner" --name "$CLUSTER"
# Only the node needs these tags.
docker image rm "logscan-operator:$operator" "logscan-scanner:$scanner" >/dev/null

"$KUBECTL" apply --filename "$KIND_FOLDER/localstack.yaml"
rolled_out localstack localstack 240
secrets=$(helper resources)

helper --namespace localstack bridge "logscan-operator:$operator"
rolled_out localstack bridge 120

"$HELM" upgrade --install logscan "$REPOSITORY/manifests/chart" --namespace logscan --values \
  "$REPOSITORY/manifests/chart/ci/kind.yaml" --kubeconfig "$KUBECONFIG" \
  --set-string "image.tag=$operator,scanner.image.tag=$scanner,podAnnotations.logscan\.dev/secrets=$secrets"
rolled_out logscan logscan-operator 120
"$HELM" test logscan --namespace logscan --kubeconfig "$KUBECONFIG" --logs

echo "logscan is running on kind. Next:"
helper env | sed 's/^/  /'
command -v kubectl >/dev/null || echo "  alias kubectl=$KUBECTL"
cat <<EOF
  kubectl --namespace logscan get logscans
  make kind-demo    # upload a log and show the result
  make kind-test    # run the end-to-end tests
  make kind-down    # delete the cluster
EOF

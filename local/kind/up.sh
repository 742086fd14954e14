#!/usr/bin/env bash
# kind with LocalStack and logscan. What is there already is left or repaired, so it can be run again: after a change of
# the code, after a restart of Docker, after a run that failed.
# shellcheck source=local/kind/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

docker_answers
KIND=$(tool kind)
KUBECTL=$(tool kubectl)
HELM=$(tool helm)
mkdir -p "$STATE"

# exists: whether kind knows the cluster.
exists() {
  "$KIND" get clusters 2>/dev/null | grep -qx "$CLUSTER"
}

# create: make the cluster; one that fails is kept, so that its logs can be read.
create() {
  rm -f "$KUBECONFIG" "$STATE/state.json" # of a cluster that somebody else removed
  "$KIND" create cluster --name "$CLUSTER" --config "$KIND_FOLDER/cluster.yaml" --kubeconfig "$KUBECONFIG" \
    --wait 180s --retain || fail "the cluster did not come up. What it says is above; its node is kept:
  docker ps --all --filter label=io.x-k8s.kind.cluster=$CLUSTER
  docker logs $CLUSTER-control-plane
  $KIND export logs --name $CLUSTER $STATE/logs
\`make kind-up\` removes it and tries again, \`make kind-down\` only removes it."
}

# start_nodes: after a restart of Docker or of the machine.
start_nodes() {
  local node
  for node in $("$KIND" get nodes --name "$CLUSTER"); do
    docker start "$node" >/dev/null || fail "the node $node does not start: \`docker logs $node\`"
  done
}

if exists && [[ ! -s $KUBECONFIG ]]; then # kind writes it last
  echo "removing what an earlier run left unfinished ..."
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
# Only the node needs these names.
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

echo "logscan runs on kind. What next:"
helper env | sed 's/^/  /'
command -v kubectl >/dev/null || echo "  alias kubectl=$KUBECTL"
cat <<EOF
  kubectl --namespace logscan get logscans
  make kind-demo    # upload a log and see what is in it
  make kind-test    # the end-to-end tests
  make kind-down
EOF

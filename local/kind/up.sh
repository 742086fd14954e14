#!/usr/bin/env bash
# kind with LocalStack and logscan. What is there already is left, so it can be run again.
# shellcheck source=local/kind/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

need docker "kind runs its nodes as containers; without Docker there is \`make demo\`"
docker info >/dev/null 2>&1 || fail "the Docker engine does not answer: start it, then run this again"
KIND=$(tool kind)
KUBECTL=$(tool kubectl)
HELM=$(tool helm)
mkdir -p "$STATE"

if ! "$KIND" get clusters 2>/dev/null | grep -qx "$CLUSTER"; then
  "$KIND" create cluster --name "$CLUSTER" --config "$KIND_FOLDER/cluster.yaml" --kubeconfig "$KUBECONFIG" --wait 180s ||
    fail "the cluster did not come up: \`docker ps -a\`, \`kind export logs --name $CLUSTER\`"
fi

LOGSCAN_IMAGE_TOOL=docker "$BIN/python" -m logscan_local.imagebuild --tag kind
"$KIND" load docker-image logscan-operator:kind logscan-scanner:kind --name "$CLUSTER"

"$KUBECTL" apply --filename "$KIND_FOLDER/localstack.yaml"
rolled_out localstack localstack 240
"$BIN/python" -m logscan_local.kind resources --state "$STATE" --kubeconfig "$KUBECONFIG" --kubectl "$KUBECTL"

code=("$REPOSITORY"/terraform/forwarder/src/logscan_forwarder/*.py)
"$KUBECTL" --namespace localstack create configmap bridge --from-file "$KIND_FOLDER/bridge.py" \
  "${code[@]/#/--from-file=}" --dry-run=client --output yaml | "$KUBECTL" apply --server-side --filename -
"$KUBECTL" apply --filename "$KIND_FOLDER/bridge.yaml"
rolled_out localstack bridge 60

"$HELM" upgrade --install logscan "$REPOSITORY/manifests/chart" --namespace logscan --values \
  "$REPOSITORY/manifests/chart/ci/kind.yaml" --kubeconfig "$KUBECONFIG"
rolled_out logscan logscan-operator 120
"$HELM" test logscan --namespace logscan --kubeconfig "$KUBECONFIG" --logs

cat <<EOF
logscan runs on kind. What next:
  export KUBECONFIG=$KUBECONFIG AWS_ENDPOINT_URL=http://localhost:4566
  make kind-demo    # upload a log and see what is in it
  make kind-test    # the end-to-end tests
  make kind-down
EOF

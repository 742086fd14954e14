#!/usr/bin/env bash
# Remove the cluster and its files; images stay in Docker.
# shellcheck source=local/kind/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

KIND=$(tool kind)
"$KIND" delete cluster --name "$CLUSTER" --kubeconfig "$KUBECONFIG"
rm -rf "$STATE"

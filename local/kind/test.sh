#!/usr/bin/env bash
# The end-to-end tests, against kind. Tests of what only the embedded stack has say so and are skipped.
# shellcheck source=local/kind/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cluster_is_up
cd "$REPOSITORY"
LOGSCAN_TEST_STATE="$STATE/state.json" "$BIN/python" -m pytest --rootdir=local/embedded -c tools/pytest.ini \
  -q local/embedded/tests/test_end_to_end.py "$@"

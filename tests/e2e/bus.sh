#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The bus on a real Kafka: topics, round trip, a group of two, a broker that is killed.
# BUILD: where the programs are (build).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
support=$root/tests/support
dir=$(mktemp -d)
trap '"$support/kafka-down" "$dir/kafka"; rm -rf "$dir"' EXIT

bootstrap=$("$support/kafka-up" "$dir/kafka")
"${BUILD:-$root/build}/bin/bus_on_kafka" "$bootstrap" \
    "'$support/kafka-down' --kill '$dir/kafka'" "'$support/kafka-up' --keep '$dir/kafka' >/dev/null"

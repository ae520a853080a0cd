#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The bus on a real Kafka: topics, round trip, transactions, a group of two, a broker that is
# killed. It looks for transactions that timed out twice a second instead of every 10 s.
# BUILD: where the programs are (build).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
support=$root/tests/support
dir=$(mktemp -d)
trap '"$support/kafka-down" --kill "$dir/kafka"; rm -rf "$dir"' EXIT

export KAFKA_SETTINGS=transaction.abort.timed.out.transaction.cleanup.interval.ms=500
bootstrap=$("$support/kafka-up" "$dir/kafka")
"${BUILD:-$root/build}/bin/transactor_on_kafka" "$bootstrap"
"${BUILD:-$root/build}/bin/bus_on_kafka" "$bootstrap" \
    "'$support/kafka-down' --kill '$dir/kafka'" "'$support/kafka-up' --keep '$dir/kafka' >/dev/null"

# SPDX-License-Identifier: Apache-2.0
"""Ways to form batches, the product's among them, on a virtual clock (bench/simulate)."""

KAFKA = False


def run(s, quick, rows, bars):
    result = s.program("bench-simulate", "--json", *(["--quick"] if quick else []))
    for row in result["rows"]:
        rows.append({"": f"{row.pop('scenario')}, {row.pop('policy')}", **row})
    bars += result["bars"]

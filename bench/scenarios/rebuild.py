# SPDX-License-Identifier: Apache-2.0
"""How quickly an ingest whose result store was lost has everything again."""
import concurrent.futures
import os
import re
import shutil
import sys
import time

import ask
import stage

from . import table

PREFIX = "rebuild."
SIZES = [32, 1024]  # bytes of an output
ASKERS = 4


def _number(job):
    """The number that bench-replies wrote into an output."""
    row = job["outputs"][0]["data"][:8]
    return int.from_bytes(bytes(row), "little")


def _wrong(address, ids):
    """How many of the sampled ids do not answer what was written."""
    def look(item):
        code, _, job = ask.call(address, "GET", f"/v1/jobs/{item[0]}")
        return code != 200 or _number(job) != item[1]
    with concurrent.futures.ThreadPoolExecutor(ASKERS) as pool:
        return sum(pool.map(look, ids.items()))


def _store_bytes(store):
    return os.stat(os.path.join(store, "data.mdb")).st_blocks * 512


def _told(ingest):
    """Records and seconds by the log of the ingest."""
    line = ingest.wait_log("msg=replies_read ")[0]
    return (int(re.search(r"records=(\d+)", line).group(1)),
            float(re.search(r"seconds=([\d.]+)", line).group(1)))


def _rebuild(s, prefix, count, ids):
    store = os.path.join(s.folder, "rebuilt")
    shutil.rmtree(store, ignore_errors=True)
    began = time.monotonic()
    ingest = stage.Process(s, "ingest", [
        os.path.join(stage.BIN, "leat-ingest"), f"--kafka.bootstrap.servers={s.brokers}",
        f"--topics.prefix={prefix}", "--log.format=logfmt", f"--results.store={store}",
        "--results.store.max=16GiB", "--http.listen=127.0.0.1:0",
        "--admin.listen=127.0.0.1:0"]).wait_ready(seconds=300)
    whole = time.monotonic() - began
    cpu = stage.cpu_seconds(ingest.pid)
    records, seconds = _told(ingest)
    wrong = _wrong(ingest.ready["http"], ids)
    size = _store_bytes(store)
    if ingest.stop() != 0:
        print(ingest.log()[-2000:], file=sys.stderr)
    shutil.rmtree(store, ignore_errors=True)
    assert records == count, f"{records} read of {count}"
    return {"rate": records / seconds, "seconds": seconds, "until ready s": whole,
            "CPU us": cpu * 1e6 / records, "store bytes each": size / records,
            "sampled": len(ids), "wrong": wrong}


def run(s, quick, rows, bars):
    for size in SIZES:
        count = 200000 if quick else (2000000 if size < 1000 else 500000)
        prefix = f"{PREFIX}{size}."
        s.topics(prefix, ["noop"])
        filled = s.program("bench-replies", f"--brokers={s.brokers}",
                           f"--topic={prefix}replies", f"--count={count}",
                           f"--bytes={size}")
        runs = [_rebuild(s, prefix, count, filled["ids"]) for _ in range(1 if quick else 3)]
        middle = sorted(runs, key=lambda row: row["rate"])[len(runs) // 2]
        rows.append({"": f"{count} results of {size} bytes", **middle})
        if size == SIZES[0]:
            table.bar(bars, "results/s of a rebuild", middle["rate"], 100000, False)
        table.bar(bars, f"wrong answers afterwards, {size} bytes",
                  sum(row["wrong"] for row in runs), 0)

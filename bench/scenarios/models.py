# SPDX-License-Identifier: Apache-2.0
"""A model.onnx whose weights outweigh its input (1024-4096-4096-1000, 100 MB) with a backlog in
Kafka: one by one against batches of up to 32, in turn in one run."""
import os
import random
import statistics

import onnx_file
import stage

from . import table

WIDTHS = [1024, 4096, 4096, 1000]
BATCH = 32


def _noise(of):
    """FP32 between 2^-7 and 2^-5 with random signs, as bytes: drawn by the byte, in a second."""
    signs = bytes([0x3c, 0xbc] * 128)

    def draw(count):
        out = bytearray(4 * count)
        for at in range(3):
            out[at::4] = of.randbytes(count)
        out[3::4] = of.randbytes(count).translate(signs)
        return bytes(out)
    return draw


def _repository(folder):
    data = onnx_file.mlp(WIDTHS, _noise(random.Random(1)), "data UINT8")
    for name, rows in (("single", 1), ("batched", BATCH)):
        version = os.path.join(folder, name, "1")
        os.makedirs(version)
        with open(os.path.join(version, "model.onnx"), "wb") as out:
            out.write(data)
        with open(os.path.join(folder, name, "model.properties"), "w",
                  encoding="ascii") as out:
            out.write(f"platform=onnxruntime\nmax.batch.size={rows}\n")
    return folder


def run(s, quick, rows, bars):
    seconds, repetitions = (3, 1) if quick else (6, 5)
    repository = _repository(os.path.join(s.folder, "onnx"))
    s.topics("models.", ["single", "batched"])
    s.batcher("models.", repository).wait_log("msg=model_loaded", times=2, seconds=60)
    ratios, bad = [], 0
    for _ in range(repetitions):
        rates = {}
        for name, expected in (("single", 200), ("batched", 1500)):
            got = s.feed("models.", name, f"--requests={expected * seconds}",
                         "--hashed=false", "--late=120s", f"--quantum={BATCH}")
            rates[name] = got["steady_rate"]
            bad += got["offered"] - got["right"] + got["duplicates"]
            rows.append({"": name, "rate": got["steady_rate"], "mean batch": got["batch_mean"]})
        ratios.append(rates["batched"] / rates["single"])
        rows[-1]["of one by one"] = ratios[-1]
    table.bar(bars, "items/s in batches over one by one", statistics.median(ratios), 3, False)
    table.bar(bars, "requests without an answer, or with two", bad, 0)

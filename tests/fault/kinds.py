# SPDX-License-Identifier: Apache-2.0
"""The kinds of models that tests/fault/run runner serves: a new one is an entry in KINDS. Each
takes one tensor of 5 elements a row and answers in a way that is known beforehand."""
import collections
import json
import os
import shutil
import struct

import history
import onnx_file
import records
import stage

WIDTH = 5

# properties: lines of model.properties; files: {name: bytes, or a path to be copied} of the
# version; row(i): the bytes of the i-th row; datatype: of it; wanted(row): the answer, as a
# number; harms: {what a row does: (the row, what its error says)}, the guilty alone is FAILED;
# leak: a row that leaks 10 to 20 MiB each time, and is answered right.
Kind = collections.namedtuple("Kind", "properties files row datatype wanted harms leak",
                              defaults=(None,))


def _number(row):
    """The answer of those that answer with what they were asked."""
    return int.from_bytes(row, "little")


def _bytes(i):
    return struct.pack("<IB", i & 0xffffffff, 7)


def _floats(i):
    return struct.pack(f"<{WIDTH}f", *((i * 31 + n) % 4096 for n in range(WIDTH)))


def _poison(byte):
    return bytes([0xde, 0xad, byte, 3, 4])


def _identity():
    """A layer whose output is its input, exactly, as safetensors."""
    weight = struct.pack(f"<{WIDTH * WIDTH}f",
                         *(float(i == j) for i in range(WIDTH) for j in range(WIDTH)))
    bias = bytes(4 * WIDTH)
    head = json.dumps({
        "fc.weight": {"dtype": "F32", "shape": [WIDTH, WIDTH], "data_offsets": [0, len(weight)]},
        "fc.bias": {"dtype": "F32", "shape": [WIDTH],
                    "data_offsets": [len(weight), len(weight) + len(bias)]}}).encode()
    return struct.pack("<Q", len(head)) + head + weight + bias


def _looked_up():
    """The answer is the question plus a zero for each of its values below 4096, as ONNX."""
    nodes = [onnx_file.node("Gather", "zeros data", "zero"),
             onnx_file.node("Add", "data zero", "same")]
    zeros = onnx_file.weights("zeros", [4096], bytes(8 * 4096), "INT64")
    return onnx_file.model(onnx_file.graph([f"data INT64 -1,{WIDTH}"],
                                           [f"same INT64 -1,{WIDTH}"], nodes, [zeros]))


def _longs(i):
    return struct.pack(f"<{WIDTH}q", *((i * 31 + n) % 4096 for n in range(WIDTH)))


PYTHON = f"""
import os
import time

import leat_runner
import numpy as np


class Model:
    inputs = ["data UINT8 -1,{WIDTH}"]
    outputs = ["same UINT8 -1,{WIDTH}"]

    def predict(self, inputs):
        time.sleep(0.005)
        x = inputs["data"]
        for mood in x[(x[:, 0] == 0xde) & (x[:, 1] == 0xad), 2]:
            MOODS[int(mood)](x)
        if (x[:, 2] == 8).any() and (x[:, 0] == 0xde).any():
            return {{"same": x[1:]}}
        return {{"same": x}}


def refuse(x):
    raise leat_runner.ItemError(np.flatnonzero((x[:, 0] == 0xde) & (x[:, 2] == 1)),
                                "this row is rejected")


def fail(x):
    raise ValueError("the batch fails")


MOODS = {{1: refuse, 2: fail, 4: lambda x: os.abort(), 5: lambda x: time.sleep(3600),
         8: lambda x: None, 14: lambda x: os._exit(3)}}
""".encode()

KINDS = {
    "sim": Kind(
        "platform=sim\ninput.0=data UINT8 -1,-1\nsim.alpha=5ms\nsim.output=fp32\n"
        "sim.reject.on=dead01\nsim.fail.on=dead02\nsim.crash.on=dead04\n"
        "sim.hang.on=dead05\nsim.nan.on=dead07\nsim.short.on=dead08\n",
        {}, _bytes, records.UINT8, history.fnv,
        {"is rejected": (_poison(1), "sim.reject.on"),
         "fails its batch": (_poison(2), "sim.fail.on"),
         "aborts": (_poison(4), "signal 6"),
         "hangs": (_poison(5), "batcher.run.timeout"),
         "gives NaN": (_poison(7), "holds a NaN"),
         "gives a wrong shape": (_poison(8), "is not what the model declared")}),
    "echo": Kind("platform=echo\ninput.0=data UINT8 -1,-1\n", {}, _bytes, records.UINT8,
                 _number, {}),
    "dense": Kind(
        f"platform=dense\ninput.0=data FP32 -1,{WIDTH}\noutput.0=same FP32 -1,{WIDTH}\n"
        "layers=fc none\n", {"model.safetensors": _identity()}, _floats, records.FP32,
        _number, {"gives NaN": (struct.pack("<5f", float("nan"), 1, 2, 3, 4),
                                "holds a NaN")}),
    "onnxruntime": Kind(
        "platform=onnxruntime\n", {"model.onnx": _looked_up()}, _longs, records.INT64, _number,
        {"fails its batch": (struct.pack("<5q", 4096, 1, 2, 3, 4), "Gather")}),
    "python": Kind(
        "platform=python\n", {"model.py": PYTHON}, _bytes, records.UINT8, _number,
        {"is rejected": (_poison(1), "this row is rejected"),
         "fails its batch": (_poison(2), "the batch fails"),
         "aborts": (_poison(4), "signal 6"),
         "hangs": (_poison(5), "batcher.run.timeout"),
         "gives a wrong shape": (_poison(8), "expected UINT8 [1,5], got uint8 [0,5]"),
         "exits": (_poison(14), "exit status")}),
    "plugin": Kind(
        "platform=plugin\nwicked.alpha.us=5000\n",
        {"model.so": os.path.join(os.path.dirname(stage.BIN), "plugins", "wicked.so")},
        _bytes, records.UINT8, history.fnv,
        {"is rejected": (_poison(1), "this row is rejected"),
         "fails its batch": (_poison(2), "the batch fails"),
         "aborts": (_poison(4), "signal 6"),
         "hangs": (_poison(5), "batcher.run.timeout"),
         "segfaults": (_poison(6), "signal 11"),
         "exits": (_poison(14), "exit status 0"),
         "gives NaN": (_poison(7), "holds a NaN"),
         "gives a wrong shape": (_poison(8), "not the rows of the batch"),
         "gives a wrong size": (_poison(9), "not that of its shape"),
         "gives no outputs": (_poison(11), "0 of 2 outputs"),
         "returns rubbish": (_poison(12), "no outcome")},
        leak=_poison(15)),
}


def repository(folder, name):
    """A repository with one model of that kind and name; its folder."""
    kind, home = KINDS[name], os.path.join(folder, "models-" + name)
    version = os.path.join(home, name, "1")
    os.makedirs(version)
    with open(os.path.join(home, name, "model.properties"), "w", encoding="utf-8") as f:
        f.write("max.batch.size=64\n" + kind.properties)
    for file, content in kind.files.items():
        path = os.path.join(version, file)
        if isinstance(content, bytes):
            with open(path, "wb") as f:
                f.write(content)
        else:
            shutil.copy(content, path)
    return home

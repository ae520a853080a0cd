# SPDX-License-Identifier: Apache-2.0
"""A model for the tests: y is twice the last byte of a row, unless its first byte is one of
those below, which make it misbehave in as many ways as there are."""
import logging
import os
import sys
import time

import leat_runner
import numpy as np

leaked = []


def right(x):
    return {"y": x[:, 3:].astype(np.float32) * 2}


def with_nan(x):
    y = right(x)["y"]
    y[x[:, 0] == 6] = np.nan
    return {"y": y}


def give_up(x):
    raise leat_runner.ItemError(np.flatnonzero(x[:, 0] == 2), "this row is a two")


def give_up_with_outputs(x):
    raise leat_runner.ItemError(np.flatnonzero(x[:, 0] == 18), "an eighteen", right(x))


def refuse(x):
    raise leat_runner.ItemError({row: f"row {row} is none" for row in np.flatnonzero(x[:, 0])},
                                refused=True)


def fail(x):
    raise ValueError("one of them is\na one")


def say(x):
    print("printed: a word")
    print("an error stream", file=sys.stderr)
    logging.getLogger("moody").error("logged: %d rows", len(x))
    os.system("echo from another program")
    return right(x)


def flood(x):
    for line in range(20000):
        print("line", line)
    return right(x)


def leak(x):
    leaked.append(np.ones(32 << 20, np.uint8))
    return right(x)


def lose(x):
    raise leat_runner.DeviceLost("sticky error")


def no_memory(x):
    raise MemoryError("no room")


MOODS = {
    1: fail,
    2: give_up,
    3: lambda x: os.abort(),
    4: lambda x: time.sleep(3600),
    5: lambda x: {"y": right(x)["y"].ravel()},
    6: with_nan,
    7: lambda x: {"y": right(x)["y"].astype(np.float64)},
    8: lambda x: {"z": 1, "w": 2},
    9: lambda x: [1, 2],
    10: lambda x: None,
    11: lose,
    12: no_memory,
    13: lambda x: sys.exit(3),
    14: lambda x: os._exit(0),
    15: say,
    16: leak,
    17: lambda x: {"y": right(x)["y"][:-1]},
    18: give_up_with_outputs,
    19: flood,
    20: lambda x: {"y": "words"},
    21: lambda x: {"y": [[float(v)] for v in x[:, 3]]},
    23: refuse,
    22: lambda x: (_ for _ in ()).throw(leat_runner.ItemError([99], "nobody")),
}


class Moody:
    inputs = ["x UINT8 -1,4"]
    outputs = ["y FP32 -1,1"]

    def device_memory(self):
        return np.int64(3 << 30)

    def predict(self, inputs):
        x = inputs["x"]
        for mood, act in MOODS.items():
            if (x[:, 0] == mood).any():
                return act(x)
        return right(x)

# SPDX-License-Identifier: Apache-2.0
"""The Python runner: holds classes with predict(inputs) for leat-batcher, which starts it.

Started as a program it serves the runner protocol (docs/runner-protocol.md). Imported by a
model it is what that model may use; docs/python.md tells how to write one.
"""
import sys

if __name__ == "__main__":
    import leat_supervisor  # which needs no NumPy: a model's process imports it, after the fork

    sys.exit(leat_supervisor.main())

from leat_tensor import bf16_from_float32, float32_from_bf16

__all__ = ["DeviceLost", "ItemError", "bf16_from_float32", "context", "float32_from_bf16"]


class ItemError(Exception):
    """Some rows of a batch cannot be answered; the others shall be.

    rows are numbers from 0 on in the order of the arrays, or a dict of such numbers and a
    message for each. With outputs, which have all rows, the others are answered with theirs;
    without, predict is called again with the rest. refused: the rows are at fault and never
    succeed, so their callers are told 400 and not 500.
    """

    def __init__(self, rows, message="the model gave it up", outputs=None, refused=False):
        super().__init__(message)
        if not isinstance(rows, dict):
            rows = dict.fromkeys([rows] if isinstance(rows, int) else rows, message)
        self.rows = {int(row): str(text) for row, text in rows.items()}
        self.message = str(message)
        self.outputs = outputs
        self.refused = refused


class DeviceLost(Exception):
    """The device is unusable for this process; the batcher starts another one."""


class Context:
    """What a model may want to know of itself; filled in before its module is imported."""

    def __init__(self):
        self.model = ""
        self.version = ""
        self.directory = ""  # of the version; also the working directory
        self.device = "cpu"  # as in model.properties
        self.instance = 0
        self.max_batch_size = 0  # 0: predict gets one item at a time
        self.properties = {}  # other keys of model.properties


context = Context()

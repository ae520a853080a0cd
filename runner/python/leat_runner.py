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

    rows are numbers from 0 on in the order of the arrays. With outputs, which have all rows,
    the others are answered with theirs; without, predict is called again with the rest.
    """

    def __init__(self, rows, message, outputs=None):
        super().__init__(message)
        self.rows = [rows] if isinstance(rows, int) else [int(row) for row in rows]
        self.message = str(message)
        self.outputs = outputs


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

# SPDX-License-Identifier: Apache-2.0
"""Classes that cannot be loaded, each for its reason."""


class Raises:
    inputs, outputs = ["x FP32 -1"], ["y FP32 -1"]

    def load(self):
        raise RuntimeError("the weights are torn")

    def predict(self, inputs):
        return {}


class Nameless:
    def predict(self, inputs):
        return {}


class Unbatched:
    inputs, outputs = ["x FP32 4"], ["y FP32 -1"]

    def predict(self, inputs):
        return {}


class Forgetful:
    inputs, outputs = ["x FP32 -1"], ["y FP32 -1"]

    def predict(self, inputs):
        inputs["x"] + 1


class OutOfMemoryError(RuntimeError):
    """Named as PyTorch's is."""


class Greedy:
    inputs, outputs = ["x FP32 -1"], ["y FP32 -1"]

    def load(self):
        raise OutOfMemoryError("the device is full")

    def predict(self, inputs):
        return {}


class Boastful:
    inputs, outputs = ["x FP32 -1"], ["y FP32 -1"]
    device_memory = "much"

    def predict(self, inputs):
        return {"y": inputs["x"]}

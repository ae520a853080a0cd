# SPDX-License-Identifier: Apache-2.0
"""The answer is the question: the very array, which is copied into the slot once."""


class Identity:
    inputs, outputs = ["data UINT8 -1,-1"], ["data UINT8 -1,-1"]

    def predict(self, inputs):
        return inputs

# SPDX-License-Identifier: Apache-2.0
"""preprocess and postprocess, of a batch and of rows."""
import numpy as np


class OfBatches:
    inputs = ["text BYTES -1"]
    outputs = ["upper BYTES -1", "length INT64 -1"]

    def preprocess(self, inputs):
        return {"texts": [text.decode() for text in inputs["text"]]}

    def predict(self, inputs):
        return inputs["texts"]

    def postprocess(self, texts):
        return {"upper": np.array([text.upper() for text in texts], object),
                "length": np.array([len(text) for text in texts])}


class OfRows:
    inputs = ["text BYTES -1"]
    outputs = ["half FP32 -1"]
    call = "rows"

    def preprocess(self, text):
        return int(text)

    def predict(self, numbers):
        return [number / 2 for number in numbers]

    def example(self, rows):
        return {"text": [b"7"] * rows}

# SPDX-License-Identifier: Apache-2.0
"""A class as the Serving Agent project has them: a list of inputs in, one result for each
out. It knows nothing of Leat."""


class WordCounter:
    def __init__(self):
        self.calls = 0

    def predict(self, inputs):
        self.calls += 1
        return [len(text.split()) for text in inputs]

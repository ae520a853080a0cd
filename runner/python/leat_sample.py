# SPDX-License-Identifier: Apache-2.0
"""What the batches of a warm-up hold: the class's example, zeros, or what warmup.input.N says.

As runner/warm_up_input.h has it: the same keys, files and words.
"""
import os

import numpy as np

import leat_tensor
from leat_batch import checked

RUNS_MAX = 1000
INPUTS_MAX = 32


def runs(properties):
    """How often each size is to run; None: as often as is useful."""
    text = properties.get("warmup.runs")
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or int(text) > RUNS_MAX:
        raise ValueError(f"warmup.runs={text}: expected a whole number from 0 to {RUNS_MAX}")
    return int(text)


class Samples:
    """Batches of any number of rows."""

    def __init__(self, context, specs, subject):
        self.specs = specs
        self.example = getattr(subject, "example", None)
        self.random = np.random.default_rng(1)
        self.rows = {}  # by input: a row of a file, or None for random ones
        self.file_key = None
        for number in range(INPUTS_MAX):
            key = f"warmup.input.{number}"
            if key in context.properties:
                self._take(context, key, number, context.properties[key])

    def batch(self, rows):
        count = rows if self.specs.max_batch_size else None
        given = self.example(rows) if self.example else {}
        return {spec.name: self._values(spec, given, count) for spec in self.specs.inputs}

    def _values(self, spec, given, count):
        if spec.name in self.rows:
            row = self.rows[spec.name]
            if row is None:
                return self._random(spec, spec.concrete(count))
            return row if count is None else np.repeat(row[np.newaxis], count, axis=0)
        return checked(spec, given[spec.name], count) if self.example else spec.zeros(count)

    def _take(self, context, key, number, value):
        inputs = self.specs.inputs
        if number >= len(inputs):
            raise ValueError(f"{key}={value}: the model has {len(inputs)} inputs, which begin "
                             "with 0")
        spec = inputs[number]
        if value == "zeros":
            self.rows[spec.name] = spec.zeros(1 if self.specs.max_batch_size else None)
            if self.specs.max_batch_size:
                self.rows[spec.name] = self.rows[spec.name][0]
        elif value != "random":
            self.rows[spec.name] = self._read(context, spec, key, value)
            self.file_key = self.file_key or key
        elif spec.datatype == "BYTES":
            raise ValueError(f"{key}=random: input {spec.name} is BYTES, for which a file has to "
                             "say what is likely")
        else:
            self.rows[spec.name] = None

    def _row_shape(self, spec):
        return spec.shape[1:] if self.specs.max_batch_size else spec.shape

    def _read(self, context, spec, key, value):
        try:
            with open(os.path.join(context.directory, value), "rb") as file:
                data = file.read()
        except OSError as error:
            raise ValueError(f"{key}={value}: {error.strerror}") from error
        if spec.datatype == "BYTES":
            return self._texts(spec, key, value, data)
        shape = self._row_shape(spec)
        fixed = int(np.prod([d for d in shape if d >= 0], dtype=np.int64)) * spec.dtype.itemsize
        is_open = shape.count(-1) == 1
        fits = len(data) == fixed if not is_open else data and fixed and len(data) % fixed == 0
        if not fits:
            raise ValueError(f"{key}={value}: the file has {len(data)} bytes, a row of input "
                             f"{spec.name} ({spec.datatype}) takes "
                             f"{'a multiple of ' if is_open else ''}{fixed}")
        shape = [d if d >= 0 else (len(data) // fixed if is_open else 1) for d in shape]
        return np.frombuffer(data, spec.dtype).reshape(shape)

    def _texts(self, spec, key, value, data):
        shape = self._row_shape(spec)
        fixed = int(np.prod([d for d in shape if d >= 0], dtype=np.int64))
        if fixed == 1:
            return np.full([max(d, 1) for d in shape], data, object)
        try:
            count = _count_texts(data)
            if shape.count(-1) == 1 and count > 0 and count % fixed == 0:
                shape = [d if d >= 0 else count // fixed for d in shape]
            return leat_tensor.decode_texts(data, [max(d, 1) for d in shape])
        except ValueError as error:
            raise ValueError(f"{key}={value}: the file is not the {fixed} texts of a row of input "
                             f"{spec.name}, each with its length in 4 bytes in front") from error

    def _random(self, spec, shape):
        if spec.datatype == "BF16":
            return leat_tensor.bf16_from_float32(self.random.random(shape, np.float32))
        if spec.dtype.kind == "f":
            return self.random.random(shape).astype(spec.dtype)
        return self.random.integers(0, 2 if spec.datatype == "BOOL" else 128, shape).astype(
            spec.dtype)


def _count_texts(data):
    at = count = 0
    while at + 4 <= len(data):
        at += 4 + int.from_bytes(data[at:at + 4], "little")
        count += 1
    return count

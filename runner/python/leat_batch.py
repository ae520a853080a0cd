# SPDX-License-Identifier: Apache-2.0
"""One batch: the slot's inputs as arrays, and the model's outputs written into the slot.

The batcher is trusted in meaning, the model is not: whatever it returned is compared with
what it declared and, where it does not fit, told in words that name output, expectation
and finding.
"""
import numpy as np

import leat_slab
import leat_tensor


class WrongReturn(Exception):
    """What predict gave is not what the model declared."""


class WrongSlot(Exception):
    """What the batcher gave is not what the model declared."""


def _shape_text(shape):
    return "[" + ",".join("any" if d < 0 else str(d) for d in shape) + "]"


def _fits(shape, want):
    return len(shape) == len(want) and all(w in (-1, d) for d, w in zip(shape, want))


class Batch:
    """A slot that is ours; rows is None where the model does not batch."""

    def __init__(self, slot, specs):
        rows, count, _, _, self.at = slot.parent_part()
        slot.clear(rows)
        self.slot = slot
        self.specs = specs
        self.rows = rows if specs.max_batch_size else None
        if self.rows is not None and not 0 < rows <= specs.max_batch_size:
            raise WrongSlot(f"{rows} rows, the model takes 1 to {specs.max_batch_size}")
        if not leat_slab.DATA <= self.at <= slot.size:
            raise WrongSlot("inputs_end lies outside the slot")
        if count != len(specs.inputs):
            raise WrongSlot(f"the slot has {count} inputs, the model {len(specs.inputs)}")
        found = dict(self._input(i) for i in range(count))
        if len(found) != count:
            raise WrongSlot("an input stands twice")
        self.inputs = {spec.name: found[spec.name] for spec in specs.inputs}

    def _input(self, index):
        slot = self.slot
        name, number, rank, *rest = leat_slab.TENSOR.unpack_from(
            slot.memory, slot.base + leat_slab.INPUTS + index * leat_slab.TENSOR.size)
        name = name[:name.find(0)]
        spec = self.specs.by_name.get(name)
        if spec is None:
            raise WrongSlot(f"the model has no input {name.decode('utf-8', 'replace')}")
        shape, offset, size = tuple(rest[:rank]), rest[8], rest[9]
        want = spec.shape if self.rows is None else (self.rows, *spec.shape[1:])
        if number != spec.number:
            raise WrongSlot(f"input {spec.name}: the datatype is not the model's")
        if not _fits(shape, want):
            raise WrongSlot(f"input {spec.name}: the shape is not the model's")
        if offset < leat_slab.DATA or offset > self.at or size > self.at - offset:
            raise WrongSlot(f"input {spec.name}: the data lies outside the slot")
        return spec.name, self._view(spec, shape, slot.base + offset, size)

    def _view(self, spec, shape, begin, size):
        memory = self.slot.memory
        if spec.datatype == "BYTES":
            try:
                return leat_tensor.decode_texts(memory[begin:begin + size], shape)
            except ValueError as error:
                raise WrongSlot(f"input {spec.name}: {error}") from error
        array = np.ndarray(shape, spec.dtype, memory, begin)
        if array.nbytes != size:
            raise WrongSlot(f"input {spec.name}: the size is not that of the shape")
        if spec.datatype == "BOOL":
            raw = np.ndarray(shape, np.uint8, memory, begin)
            np.not_equal(raw, 0, out=array)  # a bool of NumPy's is 0 or 1, nothing else
        return array

    def put(self, outputs, alive=None):
        """Writes the outputs of all rows, or of those in alive; the others get zeros."""
        if not isinstance(outputs, dict):
            got = "None: is a return missing?" if outputs is None else type(outputs).__name__
            raise WrongReturn(f"predict must return a dict of arrays, one per output; got {got}")
        rows = self.rows if alive is None else len(alive)
        arrays = {}
        for spec in self.specs.outputs:
            if spec.name not in outputs:
                others = ", ".join(map(str, outputs)) or "nothing"
                raise WrongReturn(f"predict returned no output {spec.name}; it returned {others}")
            array = checked(spec, outputs[spec.name], rows)
            arrays[spec.name] = array if alive is None else self._spread(array, alive)
        self._write(arrays)

    def put_zeros(self):
        """Outputs of a batch whose rows all failed by themselves."""
        self._write({spec.name: spec.zeros(self.rows) for spec in self.specs.outputs})

    def _spread(self, array, alive):
        shape = (self.rows, *array.shape[1:])
        whole = np.full(shape, b"", object) if array.dtype == object else (
            np.zeros(shape, array.dtype))
        whole[alive] = array
        return whole

    def _write(self, arrays):
        self.at = write_tensors(self.slot, leat_slab.OUTPUTS, self.at, self.specs.outputs,
                                arrays)
        self.slot.set_output_count(len(arrays))


def write_tensors(slot, table, at, specs, arrays):
    """Writes arrays of the declared types into the slot from `at` on; where they end."""
    for index, spec in enumerate(specs):
        array = arrays[spec.name]
        data = leat_tensor.encode_texts(array) if spec.datatype == "BYTES" else None
        size = array.nbytes if data is None else len(data)
        offset = leat_slab.align_up(at)
        if offset + size > slot.size:
            raise WrongReturn(f"tensor {spec.name} of {size} bytes does not fit what is left of "
                              f"the slot's {slot.size} (batcher.slot.bytes)")
        begin = slot.base + offset
        if data is None:
            np.ndarray(array.shape, spec.dtype, slot.memory, begin)[...] = array
        else:
            slot.memory[begin:begin + size] = data
        padding = (0,) * (leat_tensor.RANK_MAX - array.ndim)
        leat_slab.TENSOR.pack_into(
            slot.memory, slot.base + table + index * leat_slab.TENSOR.size, spec.name_field,
            spec.number, array.ndim, *array.shape, *padding, offset, size)
        at = offset + size
    return leat_slab.align_up(at)


def checked(spec, value, rows):
    """The value as an array that is what the model declared, or WrongReturn."""
    want = spec.shape if rows is None else (rows, *spec.shape[1:])
    array = value if type(value) is np.ndarray else _as_array(spec, value, want)
    dtype = array.dtype
    if dtype != spec.dtype or spec.datatype == "BYTES":
        array = _converted(spec, array)
    if array is None or not _fits(array.shape, want):
        got = array if array is not None else np.asarray(value)
        raise WrongReturn(f"output {spec.name}: expected {spec.datatype} {_shape_text(want)}, "
                          f"got {dtype} {_shape_text(got.shape)}")
    return array


def _as_array(spec, value, want):
    """Lists and numbers become the declared type; arrays of other libraries keep theirs."""
    try:
        if isinstance(value, (list, tuple, int, float, bool, str, bytes)):
            return np.array(value, spec.dtype if spec.datatype != "BF16" else np.float32)
        return np.asarray(value)
    except Exception as error:
        raise WrongReturn(
            f"output {spec.name}: expected {spec.datatype} {_shape_text(want)}, got a "
            f"{type(value).__name__} that makes no such array: {error}") from error


def _converted(spec, array):
    """Another dtype that means the same, or None."""
    if spec.datatype == "BF16" and array.dtype.name == "bfloat16":  # of ml_dtypes
        return array.view(np.uint16)
    if spec.datatype == "BF16" and array.dtype == np.float32:
        return leat_tensor.bf16_from_float32(array)
    if spec.datatype == "BYTES" and array.dtype.kind in "OSU":
        for value in array.flat:
            if not isinstance(value, (bytes, str, bytearray, memoryview)):
                raise WrongReturn(f"output {spec.name}: expected BYTES, got an element of "
                                  f"{type(value).__name__} instead of bytes or str")
        return array.astype(object)
    return None

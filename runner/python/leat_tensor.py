# SPDX-License-Identifier: Apache-2.0
"""Tensors: what a model takes and gives, and their data as NumPy arrays.

Numbers are views of shared memory. Elements of BYTES have lengths of their own, so they
become objects: an array of dtype object that holds bytes. NumPy has no BF16: those are
its bits, as uint16; outputs may also be float32 and are rounded then.
"""
import struct

import numpy as np

RANK_MAX = 8
NAME_BYTES = 64
# In the order of the protocol's numbers.
DATATYPES = ("BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64",
             "FP16", "BF16", "FP32", "FP64", "BYTES")
_DTYPES = {"BOOL": np.bool_, "UINT8": np.uint8, "UINT16": np.uint16, "UINT32": np.uint32,
           "UINT64": np.uint64, "INT8": np.int8, "INT16": np.int16, "INT32": np.int32,
           "INT64": np.int64, "FP16": np.float16, "BF16": np.uint16, "FP32": np.float32,
           "FP64": np.float64, "BYTES": object}
_LENGTH = struct.Struct("<I")


class TensorSpec:
    """One line `NAME DATATYPE d0,d1,...`; -1 is a variable dimension."""

    def __init__(self, text, batching):
        words = text.split(" ")
        name = words[0].encode()
        dimensions = words[2].split(",") if len(words) == 3 and words[2] else []
        try:
            self.shape = tuple(int(d) for d in dimensions)
        except ValueError:
            self.shape = (-2,)
        if (len(words) not in (2, 3) or not 0 < len(name) < NAME_BYTES
                or words[1] not in DATATYPES or len(self.shape) > RANK_MAX
                or any(d < -1 for d in self.shape)):
            raise ValueError(f"'{text}' is not NAME DATATYPE d0,d1,... with a name under "
                             f"{NAME_BYTES} bytes and at most {RANK_MAX} dimensions")
        if batching and (not self.shape or self.shape[0] != -1):
            raise ValueError(f"'{text}': the model batches (max.batch.size > 0), so the "
                             "first dimension must be -1")
        self.name, self.datatype = words[0], words[1]
        self.number = DATATYPES.index(self.datatype)
        self.dtype = np.dtype(_DTYPES[self.datatype])
        self.name_field = name.ljust(NAME_BYTES, b"\0")
        self.rank = len(self.shape)

    def __str__(self):
        return " ".join([self.name, self.datatype, ",".join(map(str, self.shape))]).rstrip()

    def concrete(self, rows):
        """The shape with so many rows (None: it does not batch), else 1 for each -1."""
        shape = [1 if d < 0 else d for d in self.shape]
        if rows is not None:
            shape[0] = rows
        return tuple(shape)

    def zeros(self, rows):
        shape = self.concrete(rows)
        if self.datatype == "BYTES":
            return np.full(shape, b"", object)
        return np.zeros(shape, self.dtype)


def decode_texts(data, shape):
    """Elements of BYTES, each a length and its bytes, as an array of objects."""
    count = 1
    for extent in shape:
        count *= extent
    texts = []
    at, end = 0, len(data)
    while at + 4 <= end and len(texts) < count:
        size = _LENGTH.unpack_from(data, at)[0]
        at += 4
        if size > end - at:
            break
        texts.append(data[at:at + size])
        at += size
    if len(texts) != count or at != end:
        raise ValueError(f"{end} bytes are not {count} texts with their lengths")
    out = np.empty(count, object)
    out[:] = texts
    return out.reshape(shape)


def _text_bytes(value):
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    raise TypeError(f"an element is {type(value).__name__}, expected bytes or str")


def encode_texts(array):
    """The data of a BYTES tensor; TypeError in words."""
    pieces = []
    for value in array.ravel():
        text = _text_bytes(value)
        pieces.append(_LENGTH.pack(len(text)))
        pieces.append(text)
    return b"".join(pieces)


def float32_from_bf16(bits):
    """Values of an array of BF16 bits (uint16)."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def bf16_from_float32(values):
    """BF16 bits (uint16), rounded to nearest, ties to even; a NaN stays one."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    rounded = ((bits + (((bits >> 16) & 1) + 0x7FFF)) >> 16).astype(np.uint16)
    quiet = ((bits >> 16) | 0x40).astype(np.uint16)
    return np.where(np.isnan(values), quiet, rounded)

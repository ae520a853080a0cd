# SPDX-License-Identifier: Apache-2.0
"""Writes model.onnx files with nothing but Python: the messages of onnx.proto that tests and
benchmarks need, field numbers as in that file. model(graph(...)) are the bytes of one.

A tensor of a graph is told as in model.properties: "x FP32 -1,64"; -1 is a variable dimension,
the first one the batch.
"""
import struct

TYPES = {"FP32": 1, "UINT8": 2, "INT8": 3, "UINT16": 4, "INT16": 5, "INT32": 6, "INT64": 7,
         "BYTES": 8, "BOOL": 9, "FP16": 10, "FP64": 11, "UINT32": 12, "UINT64": 13, "BF16": 16}


def _varint(value):
    value &= (1 << 64) - 1
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field, value):
    return _varint(field << 3) + _varint(value)


def _bytes(field, value):
    value = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _float(field, value):
    return _varint(field << 3 | 5) + struct.pack("<f", value)


class Graph(bytes):
    """Of a model, or an attribute: the body of a Loop."""


def weights(name, shape, values, datatype="FP32"):
    """An initializer; values: numbers, or their bytes."""
    if not isinstance(values, (bytes, bytearray)):
        values = struct.pack("<%d%s" % (len(values), {"FP32": "f", "INT64": "q"}[datatype]),
                             *values)
    return (b"".join(_number(1, d) for d in shape) + _number(2, TYPES[datatype]) +
            _bytes(8, name) + _bytes(9, values))


def _attribute(name, value):
    out = _bytes(1, name)
    if isinstance(value, float):
        return out + _float(2, value) + _number(20, 1)
    if isinstance(value, Graph):
        return out + _bytes(6, value) + _number(20, 5)
    if isinstance(value, int):
        return out + _number(3, value) + _number(20, 2)
    return out + b"".join(_number(8, v) for v in value) + _number(20, 7)


def node(operator, inputs, outputs, **attributes):
    """inputs and outputs: names, a space between."""
    return (b"".join(_bytes(1, n) for n in inputs.split()) +
            b"".join(_bytes(2, n) for n in outputs.split()) + _bytes(4, operator) +
            b"".join(_bytes(5, _attribute(*a)) for a in attributes.items()))


def _tensor_type(datatype, dims):
    shape = b""
    for at, dim in enumerate(dims):
        shape += _bytes(1, _number(1, dim) if dim >= 0
                        else _bytes(2, "batch" if at == 0 else "d%d" % at))
    return _bytes(1, _number(1, TYPES[datatype]) + _bytes(2, shape))


def _value(text):
    name, datatype, *dims = text.split()
    dims = [int(d) for d in dims[0].split(",")] if dims else []
    if datatype.startswith("sequence:"):
        kind = _bytes(4, _bytes(1, _tensor_type(datatype.split(":")[1], dims)))
    else:
        kind = _tensor_type(datatype, dims)
    return _bytes(1, name) + _bytes(2, kind)


def graph(inputs, outputs, nodes, initializers=()):
    return Graph(b"".join(_bytes(1, n) for n in nodes) + _bytes(2, "graph") +
                 b"".join(_bytes(5, i) for i in initializers) +
                 b"".join(_bytes(11, _value(i)) for i in inputs) +
                 b"".join(_bytes(12, _value(o)) for o in outputs))


def model(of):
    return _number(1, 8) + _bytes(2, "leat tests") + _bytes(8, _number(2, 13)) + _bytes(7, of)


def mlp(widths, noise, first="x FP32"):
    """Layers of these widths, relu between, softmax at the end; noise(count): the bytes of so
    many weights FP32; first: name and datatype of the input."""
    name = first.split()[0]
    nodes, initializers, at = [node("Cast", name, "cast", to=TYPES["FP32"])], [], "cast"
    for i in range(len(widths) - 1):
        m, n = widths[i], widths[i + 1]
        last = i == len(widths) - 2
        initializers += [weights("w%d" % i, [m, n], noise(m * n)),
                         weights("b%d" % i, [n], noise(n))]
        nodes += [node("Gemm", "%s w%d b%d" % (at, i, i), "h%d" % i),
                  node("Softmax", "h%d" % i, "y", axis=1) if last
                  else node("Relu", "h%d" % i, "r%d" % i)]
        at = "r%d" % i
    return model(graph(["%s -1,%d" % (first, widths[0])], ["y FP32 -1,%d" % widths[-1]], nodes,
                       initializers))

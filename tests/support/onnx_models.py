#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""onnx_models.py FOLDER: the small models of tests/unit/runner/onnxruntime.c, each in a folder
of its own as a version has it."""
import os
import sys

from onnx_file import TYPES, graph, model, node, weights


def _same(datatype):
    name = datatype.lower()
    return f"{name} {datatype} -1,3", f"{name}_out {datatype} -1,3", node(
        "Identity", name, name + "_out")


def models():
    inputs, outputs, nodes = zip(*(_same(t) for t in TYPES))
    yield "types", graph(inputs, outputs, nodes)
    yield "two", graph(["a FP32 -1,2", "b FP32 -1,2"], ["sum FP32 -1,2", "product FP32 -1,2"],
                       [node("Add", "a b", "sum"), node("Mul", "a b", "product")])
    yield "fixed", graph(["x FP32 4,3", "s BYTES 4,2"], ["y FP32 4,3", "t BYTES 4,2"],
                         [node("Add", "x x", "y"), node("Identity", "s", "t")])
    yield "alone", graph(["x FP32 3", "k FP32"], ["y FP32 1", "z FP32"],
                         [node("ReduceSum", "x", "s", keepdims=1), node("Mul", "s k", "y"),
                          node("ReduceSum", "x", "z", keepdims=0)])
    yield "whole", graph(["x FP32 -1,3"], ["y FP32"],
                         [node("ReduceSum", "x", "y", keepdims=0)])
    yield "variable", graph(["x FP32 -1,-1"], ["y FP32 -1,-1"], [node("Add", "x x", "y")])
    yield "ranges", graph(["i INT64 -1"], ["y FP32 -1"], [node("Gather", "table i", "y")],
                          [weights("table", [3], [1.5, 2.5, 3.5])])
    yield "log", graph(["x FP32 -1,2"], ["y FP32 -1,2"], [node("Log", "x", "y")])
    yield "sequence", graph(["x FP32 -1,2"], ["y FP32 -1,2", "all sequence:FP32 -1,2"],
                            [node("Neg", "x", "y"), node("SequenceConstruct", "x y", "all")])
    yield "long", graph(["x" * 64 + " FP32 -1,2"], ["y FP32 -1,2"],
                        [node("Neg", "x" * 64, "y")])


def large():
    """Takes memory for as many values as the largest number of the batch says."""
    return graph(["n INT64 -1"], ["y INT64 -1"],
                 [node("ReduceMax", "n", "count", keepdims=1),
                  node("ConstantOfShape", "count", "zeros"),
                  node("ReduceSum", "zeros", "sum", keepdims=0),
                  node("Cast", "sum", "zero", to=TYPES["INT64"]), node("Add", "n zero", "y")])


def spin():
    """As many turns as the largest number of the batch says: years, for a large one."""
    body = graph(["turn INT64", "on BOOL", "v INT64 -1"], ["on_out BOOL", "v_out INT64 -1"],
                 [node("Identity", "on", "on_out"), node("Add", "v one", "v_out")],
                 [weights("one", [1], [1], "INT64")])
    return graph(["n INT64 -1"], ["y INT64 -1"],
                 [node("ReduceMax", "n", "turns", keepdims=0),
                  node("Loop", "turns true n", "y", body=body)],
                 [weights("true", [], b"\1", "BOOL")])


def main():
    folder = sys.argv[1]
    files = [(name, model(of)) for name, of in models()]
    files += [("spin", model(spin())), ("large", model(large()))]
    files.append(("broken", b"this is no protobuf"))
    for name, data in files:
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        with open(os.path.join(folder, name, "model.onnx"), "wb") as out:
            out.write(data)


main()

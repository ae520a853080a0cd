#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A model that a package of PyPI ships (magika: what kind of file is it) becomes a service by one
folder with two lines of properties: its metadata is the file's, its answers are those of ONNX
Runtime's own Python within 1e-5, by JSON, binary and Triton's client. In a batch only the items
that are to blame fail, in the model's words; one that hangs fails alone."""
import json
import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import onnx_packages  # noqa: E402
import stage  # noqa: E402

SUPPORT = os.path.join(stage.ROOT, "tests", "support")
FILES = ["README.md", "LICENSE", "check", "runner/slab.c", "docs/openapi.json", "tests/e2e/onnx.py",
         "ingest/dashboard.html", "models/digits/1/model.safetensors", "CMakeLists.txt"]


def add_model(repository, name, source, rows):
    version = os.path.join(repository, name, "1")
    os.makedirs(version)
    shutil.copy(source, os.path.join(version, "model.onnx"))
    with open(os.path.join(repository, name, "model.properties"), "w", encoding="ascii") as f:
        f.write(f"platform=onnxruntime\nmax.batch.size={rows}\n")


def metadata(address):
    code, _, told = ask.call(address, "GET", "/v2/models/magika")
    assert code == 200, told
    assert told["platform"] == "onnxruntime", told
    assert told["inputs"] == [{"name": "bytes", "datatype": "INT32", "shape": [-1, 2048]}], told
    assert told["outputs"] == [{"name": "target_label", "datatype": "FP32",
                                "shape": [-1, 214]}], told


def wrong_width(address):
    body = {"inputs": [{"name": "bytes", "datatype": "INT32", "shape": [1, 3],
                        "data": [1, 2, 3]}]}
    code, _, told = ask.call(address, "POST", "/v2/models/magika/infer", body)
    assert code == 400 and "bytes" in told["detail"], told


def one_to_blame(address, model, tensor, words):
    """Eight at once, of which the fourth fails by itself: `tensor` makes the input of a number."""
    bodies = [json.dumps({"inputs": [tensor(i)]}).encode() for i in range(8)]
    answers = ask.wave(address, f"/v2/models/{model}/infer", bodies)
    codes = [code for code, _, _ in answers]
    print(model, codes, answers[3][2])
    assert codes == [200] * 3 + [codes[3]] + [200] * 4 and codes[3] >= 400, codes
    assert words in answers[3][2]["detail"], answers[3]


def one_hangs(address):
    """Four at once, of which one would run for years: its runner is killed until it is alone."""
    bodies = [json.dumps({"inputs": [{"name": "n", "datatype": "INT64", "shape": [1],
                                      "data": [10 ** 15 if i == 2 else 1]}]}).encode()
              for i in range(4)]
    answers = ask.wave(address, "/v2/models/spin/infer", bodies)
    print("spin", [code for code, _, _ in answers], answers[2][2])
    assert [code for code, _, _ in answers] == [200, 200, 500, 200]
    assert [a[2]["outputs"][0]["data"] for a in answers if a[0] == 200] == [[2]] * 3
    assert answers[2][2]["code"] == "model_died", answers[2]


def an_index(number):
    return {"name": "i", "datatype": "INT64", "shape": [1], "data": [7 if number == 3 else 1]}


def a_number(number):
    return {"name": "x", "datatype": "FP32", "shape": [1, 2],
            "data": [1, -1 if number == 3 else 2]}


def main():
    packages = onnx_packages.folder()
    model = os.path.join(packages, "magika", "models", "standard_v3_3", "model.onnx")
    with stage.Stage() as s:
        made = os.path.join(s.folder, "made")
        repository = os.path.join(s.folder, "models")
        subprocess.run([sys.executable, "-B", os.path.join(SUPPORT, "onnx_models.py"), made],
                       check=True)
        add_model(repository, "magika", model, 16)
        names = ["magika", "fixed", "ranges", "log", "spin"]
        for name in names[1:]:
            add_model(repository, name, os.path.join(made, name, "model.onnx"), 4)
        s.topics("o.", names)
        s.batcher("o.", repository, "--batcher.run.timeout=2s")
        address = s.ingest("o.", "--infer.timeout=100s").ready["http"]
        for name in names:
            stage.wait_for(name, lambda n=name: ask.call(
                address, "GET", f"/v2/models/{n}/ready")[0] == 200)
        metadata(address)
        wrong_width(address)
        one_to_blame(address, "ranges", an_index, "out of data bounds")
        one_to_blame(address, "log", a_number, "output y holds a NaN")
        one_hangs(address)
        subprocess.run([sys.executable, "-B", os.path.join(SUPPORT, "onnx_client.py"), address,
                        model, *(os.path.join(stage.ROOT, f) for f in FILES)],
                       check=True, timeout=300, env=dict(os.environ, PYTHONPATH=packages))


main()

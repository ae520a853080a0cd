#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A model that a package of PyPI ships (magika: what kind of file is it) becomes a service by one
folder with two lines of properties: its metadata is the file's, its answers are those of ONNX
Runtime's own Python within 1e-5, by JSON, binary and Triton's client."""
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


def main():
    packages = onnx_packages.folder()
    model = os.path.join(packages, "magika", "models", "standard_v3_3", "model.onnx")
    with stage.Stage() as s:
        made = os.path.join(s.folder, "made")
        repository = os.path.join(s.folder, "models")
        subprocess.run([sys.executable, "-B", os.path.join(SUPPORT, "onnx_models.py"), made],
                       check=True)
        add_model(repository, "magika", model, 16)
        add_model(repository, "fixed", os.path.join(made, "fixed", "model.onnx"), 4)
        s.topics("o.", ["magika", "fixed"])
        s.batcher("o.", repository)
        address = s.ingest("o.").ready["http"]
        for name in ("magika", "fixed"):
            stage.wait_for(name, lambda n=name: ask.call(
                address, "GET", f"/v2/models/{n}/ready")[0] == 200)
        metadata(address)
        wrong_width(address)
        subprocess.run([sys.executable, "-B", os.path.join(SUPPORT, "onnx_client.py"), address,
                        model, *(os.path.join(stage.ROOT, f) for f in FILES)],
                       check=True, timeout=300, env=dict(os.environ, PYTHONPATH=packages))


main()

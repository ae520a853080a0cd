#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A new model as a new user brings it: a file, `leat models init`, `leat models check` until
it is right, and then it is served and answers as the model it was copied from."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

DIGITS = os.path.join(stage.ROOT, "models", "digits")


def leat(*arguments):
    """(status, stdout, stderr) of `leat models`."""
    run = subprocess.run([os.path.join(stage.BIN, "leat"), "models", *arguments], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60,
                         check=False)
    return run.returncode, run.stdout, run.stderr


def says(got, status, *words):
    """The lines that hold the words, each in the right stream and order."""
    code, out, err = got
    assert code == status, f"{code} is not {status}: {out}{err}"
    at = 0
    for word in words:
        assert word in (out + err)[at:], f"no '{word}' in\n{out}{err}"
        at = (out + err).index(word, at)
    return out


def edit(path, old, new):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    assert old in text, f"no {old} in {text}"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text.replace(old, new))


def begin(models):
    """From a file to a model.properties."""
    folder = os.path.join(models, "mine")
    says(leat("init", models, "mine"), 2, "no file in", "--platform=", "dense")
    says(leat("init", models, "mine", "--platform=tensorrt"), 2, "there is no platform")
    says(leat("init", models, "../mine", "--platform=sim"), 2, "no name of a model")
    shutil.copy(os.path.join(DIGITS, "1", "model.safetensors"), os.path.join(folder, "1"))
    out = says(leat("init", models, "mine"), 0, "platform=dense", "leat models check")
    says(leat("init", models, "mine"), 1, "left as it is")
    print("ok: a file tells the platform; what is there is not overwritten")
    return out.split("leat models check ", 1)[1].strip()


def mend(models, folder):
    """Check tells every mistake with its place, then that a tensor is missing, then good."""
    path = os.path.join(models, "mine", "model.properties")
    said = says(leat("check", folder), 0, "mine: dense", "version 1: loaded", "FP32   -1,64",
                "rows", "1 model, 1 version: good")
    assert re.search(r"^ +memory +\d+\.\d MiB on the host$", said, re.MULTILINE), said
    assert re.search(r"^ +32 +\d+\.\d+ +\d+\.\d+$", said, re.MULTILINE), said
    edit(path, "max.batch.size=32", "max.batchsize=32\ninstances=0")
    line = 1 + open(path, encoding="utf-8").read()[:].split("max.batchsize")[0].count("\n")
    out = says(leat("check", models), 78,
               f"{path}:{line}: max.batchsize: there is no such key; did you mean "
               "max.batch.size?",
               f"{path}:{line + 1}: instances: '0' is not a whole number from 1 to 8",
               "1 model, 0 versions: 2 mistakes")
    assert out.count("\n") == 3, out
    edit(path, "max.batchsize=32\ninstances=0", "max.batch.size=64")
    edit(path, "layers=fc1 relu,fc2 none", "layers=fc1 relu,fc3 softmax")
    says(leat("check", models), 1, "version 1 cannot be loaded: the file has no tensor fc3.weight")
    says(leat("check", models, "--load=false"), 0, "good")
    edit(path, "fc3", "fc2")
    says(leat("check", models), 0, "good")
    print("ok: mistakes are told with file and line, a missing tensor by loading it")


def warm_up(models, folder):
    """What it is made of is told with file and line where it is wrong, and run where it is right."""
    path = os.path.join(models, "mine", "model.properties")
    row = os.path.join(folder, "1", "row.bin")
    text = open(path, encoding="utf-8").read()
    line = text.count("\n") + 1
    edit(path, text, text + "warmup.input.0=row.bin\nwarmup.runs=4\n")
    says(leat("check", folder), 78, f"{path}:{line}: warmup.input.0: 'row.bin' is none of zeros, "
         "random and the files of version 1")
    with open(row, "wb") as f:
        f.write(bytes(255))
    says(leat("check", folder), 1, f"{path}: version 1 cannot be loaded: "
         f"model.properties:{line}: warmup.input.0=row.bin: the file has 255 bytes, a row of "
         "input input (FP32) takes 256")
    with open(row, "ab") as f:
        f.write(bytes(1))
    says(leat("check", folder), 0, "rows", "good")
    edit(path, "warmup.runs=4", "warmup.runs=0")
    out = says(leat("check", folder), 0, "good")
    assert "ms a batch" not in out, out
    edit(path, "warmup.input.0=row.bin\nwarmup.runs=0\n", "")
    os.remove(row)
    print("ok: the warm-up is as model.properties says")


def look(models):
    """What a repository of several models says."""
    says(leat("init", models, "noise", "--platform=sim"), 0, "platform=sim")
    os.makedirs(os.path.join(models, "noise", "v2"))
    os.makedirs(os.path.join(models, "empty"))
    out = says(leat("check", models), 78, "empty/model.properties: there is no such file",
               "mine: dense", "noise: sim", "noise: warning: the folder v2 is no version",
               "1 mistake, 1 warning")
    assert "hash" in out, out
    os.rmdir(os.path.join(models, "empty"))
    says(leat("check", models, "--models.load=noise"), 0, "1 model, 1 version: good")
    says(leat("check", os.path.join(models, "nowhere")), 78, "nowhere")
    says(leat("check", models, "--runner.command=/bin/false"), 1, "the runner died")
    says(leat("chek"), 2, "usage")
    path = os.path.join(models, "noise", "model.properties")
    with open(path, "a", encoding="utf-8") as f:
        f.write("\ninstances=3\ndevice=cuda:1\nsim.device.memory.mib=10\n")
    says(leat("check", models, "--models.load=noise"), 0, "3 instances", "30.0 MiB on cuda:1")
    edit(path, "instances=3\ndevice=cuda:1\nsim.device.memory.mib=10\n", "")
    print("ok: a repository is told model by model, with all instances of each")


def serve(s, models):
    s.topics("t.", ["mine", "noise", "digits"])
    shutil.copytree(DIGITS, os.path.join(models, "digits"))
    s.batcher("t.", models)
    address = s.ingest("t.").ready["http"]
    with open(os.path.join(DIGITS, "examples", "four-rows.json"), encoding="utf-8") as f:
        body = json.load(f)
    _, _, wanted = ask.call(address, "POST", "/v2/models/digits/infer", body)
    body["inputs"][0]["name"] = "input"
    code, _, got = ask.call(address, "POST", "/v2/models/mine/infer", body)
    assert code == 200, got
    assert got["outputs"][0]["data"] == wanted["outputs"][0]["data"], (got, wanted)
    _, _, metadata = ask.call(address, "GET", "/v2/models/mine")
    assert metadata["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 64]}], \
        metadata
    print("ok: what was begun and checked is served")


def main():
    with stage.Stage() as s:
        models = os.path.join(s.folder, "models")
        folder = begin(models)
        mend(models, folder)
        warm_up(models, folder)
        look(models)
        serve(s, models)


main()

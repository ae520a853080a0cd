#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Leat installed under a prefix that is then moved; the example of a plug-in taken from there,
built outside of any source tree by make, by CMake and as C++17, and served by the installed
programs. Then a plug-in with every bad day there is: only the guilty item fails."""
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

BUILD = os.path.dirname(stage.BIN)
INSTALLED = ["bin/leat", "bin/leat-ingest", "bin/leat-batcher", "bin/leat-runner",
             "include/leat/plugin.h", "share/pkgconfig/leat.pc",
             "share/leat/schemas/request.avsc", "share/leat/models/digits/model.properties",
             "share/doc/leat/examples/plugin/centroids.c", "share/doc/leat/docs/plugin.md"]
CITIES = [([48.1, 11.6], "Berlin"), ([0, 30], "Nairobi"), ([-16, -68], "Lima"),
          ([34, 135], "Tokyo")]
NOWHERE = [1000, 1000]
MATES = 24
# (what a row does, its third byte, HTTP code, code of the problem, what the error says)
HARMS = [
    ("fails alone", 1, 500, "model_failed", "this row is rejected"),
    ("is refused", 18, 400, "invalid", "nobody should ask this"),
    ("fails its batch", 2, 500, "model_failed", "the batch fails"),
    ("aborts", 4, 500, "model_died", "signal 6"),
    ("never ends", 5, 500, "model_died", "batcher.run.timeout"),
    ("segfaults", 6, 500, "model_died", "signal 11"),
    ("exits", 14, 500, "model_died", "exit status 0"),
    ("gives NaN", 7, 500, "model_failed", "output value holds a NaN"),
    ("gives a row too few", 8, 500, "model_failed", "first dimension is not the rows"),
    ("gives another size", 9, 500, "model_failed", "size is not that of its shape"),
    ("gives outputs in disorder", 10, 500, "model_failed", "in the model's order"),
    ("gives no outputs", 11, 500, "model_failed", "0 of 2 outputs"),
    ("returns rubbish", 12, 500, "model_failed", "no outcome"),
]


def run(*command, cwd=None, **environment):
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, check=False, env={**os.environ, **environment})
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}"
    return done.stdout


def install(folder):
    first, prefix = os.path.join(folder, "first"), os.path.join(folder, "moved")
    run("cmake", "--install", BUILD, "--prefix", first)
    os.rename(first, prefix)
    for path in INSTALLED:
        assert os.path.exists(os.path.join(prefix, path)), f"{path} is not installed"
    for path in ("share/pkgconfig/leat.pc", "include/leat/plugin.h"):
        with open(os.path.join(prefix, path), encoding="utf-8") as f:
            assert stage.ROOT not in f.read() and first not in f.read(), path
    return prefix


def build(folder, prefix):
    """The example in three ways: a repository of cities, cities_cmake and cities_cpp."""
    models = os.path.join(folder, "models")
    found = {"PKG_CONFIG_PATH": os.path.join(prefix, "share", "pkgconfig")}
    flags = run("pkg-config", "--cflags", "leat", **found).split()
    example = os.path.join(prefix, "share", "doc", "leat", "examples", "plugin")
    for name in ("cities", "cities_cmake", "cities_cpp"):
        source = os.path.join(folder, name)
        shutil.copytree(example, source)
        if name == "cities":
            run("make", cwd=source, **found)
        elif name == "cities_cmake":
            run("cmake", "-G", "Ninja", "-B", "build", cwd=source, **found)
            run("cmake", "--build", "build", cwd=source)
        else:
            run("g++", "-std=c++17", "-x", "c++", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
                "-fPIC", "-shared", "-fvisibility=hidden", *flags, "-o", "model/1/model.so",
                "centroids.c", cwd=source)
        symbols = run("nm", "-D", "--defined-only", "model/1/model.so", cwd=source).split()
        assert "leat_plugin_get" in symbols, symbols
        shutil.copytree(os.path.join(source, "model"), os.path.join(models, name))
    return models


def point(at):
    return json.dumps({"inputs": [{"name": "point", "shape": [1, 2], "datatype": "FP32",
                                   "data": at}]}).encode()


def ask_cities(address, name):
    path = f"/v2/models/{name}"
    code, _, told = ask.call(address, "GET", path)
    assert code == 200 and told["platform"] == "plugin", told
    assert told["inputs"] == [{"name": "point", "datatype": "FP32", "shape": [-1, 2]}], told
    rows = CITIES * 4
    bodies = [point(at) for at, _ in rows] + [point(NOWHERE)]
    *answers, (code, _, problem) = ask.wave(address, path + "/infer", bodies)
    for (_, city), (got, _, answer) in zip(rows, answers):
        assert got == 200, answer
        label, distance = (o["data"][0] for o in answer["outputs"])
        assert label == city and distance < 30, answer
    assert code == 400 and "too far from everything" in problem["detail"], problem


def wicked_repository(folder):
    home = os.path.join(folder, "wicked", "wicked")
    os.makedirs(os.path.join(home, "1"))
    shutil.copy(os.path.join(BUILD, "plugins", "wicked.so"), os.path.join(home, "1"))
    with open(os.path.join(home, "model.properties"), "w", encoding="utf-8") as f:
        f.write("platform=plugin\nmax.batch.size=64\nplugin.library=wicked.so\n"
                "wicked.alpha.us=50000\n")
    return os.path.dirname(home)


def body(row):
    return json.dumps(ask.row(row)).encode()


def harm(address, log, kind):
    what, byte, expected, name, cause = kind
    rows = [bytes([i, 1, 2, 3, 4]) for i in range(MATES)]
    guilty = bytes([0xde, 0xad, byte, 3, 4])
    rows.insert(MATES // 2, guilty)
    before = len(log())
    answers = ask.wave(address, "/v2/models/wicked/infer", [body(row) for row in rows])
    for row, (code, _, got) in zip(rows, answers):
        if row != guilty:
            assert code == 200 and got["outputs"][0]["data"] == [records.fnv(row)], got
        else:
            assert code == expected and got["code"] == name and cause in got["detail"], got
    split = [int(n) for n in re.findall(r"msg=batch_split rows=(\d+)", log()[before:])]
    print(f"a row that {what}: {cause!r}; batches split: {split}")


def main():
    with stage.Stage() as s:
        prefix = install(s.folder)
        models = build(s.folder, prefix)
        stage.BIN = os.path.join(prefix, "bin")
        names = sorted(os.listdir(models))
        s.topics("t.", names + ["wicked", "digits"])
        batchers = [s.batcher("t.", models), s.batcher("t.", os.path.join(
            prefix, "share", "leat", "models"))]
        bad = s.batcher("t.", wicked_repository(s.folder), "--batcher.run.timeout=600ms")
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        batchers[0].wait_log("4 points of 2 dimensions", times=3)
        for name in names:
            ask_cities(address, name)
        with open(os.path.join(stage.ROOT, "models", "digits", "examples", "seven.json"),
                  "rb") as f:
            assert ask.call(address, "POST", "/v2/models/digits/infer", f.read())[0] == 200
        for kind in HARMS:
            harm(address, bad.log, kind)
        assert bad.log().count("msg=assigned") == 1 and "msg=revoked" not in bad.log()
        for process in [ingest, bad, *batchers]:
            assert process.stop() == 0, process.log()


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Python classes behind HTTP and Kafka: a forest of scikit-learn, a class of the Serving Agent
project as it is (both as docs/python.md has them), and one that misbehaves in every way: only
the guilty request fails."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

CLASSES = os.path.join(stage.ROOT, "tests", "support", "python")
MATES = 24
SLOW = """
import time
import moody
class Slow(moody.Moody):
    def predict(self, inputs):
        time.sleep(0.05)  # so that the others wait for one batch
        return super().predict(inputs)
"""
FOREST = """
import joblib
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
flowers = load_iris()
forest = RandomForestClassifier(10, random_state=1).fit(flowers.data, flowers.target)
joblib.dump(forest, "forest.joblib")
rows = flowers.data[::10]
import json
print(json.dumps([rows.tolist(), forest.predict(rows).tolist(),
                  forest.predict_proba(rows).tolist()]))
"""
# (what it does, first byte of the row, code of the problem, what the error says)
GUILTY = [
    ("raises", 1, "model_failed", "ValueError: one of them is a one"),
    ("is given up", 2, "model_failed", "this row is a two"),
    ("is refused", 23, "invalid", "is none"),
    ("aborts", 3, "model_died", "signal 6"),
    ("hangs", 4, "model_died", "batcher.run.timeout"),
    ("gives a wrong shape", 5, "model_failed", "output y: expected FP32 [1,1], got float32 [1]"),
    ("gives a NaN", 6, "model_failed", "output y holds a NaN"),
    ("gives a wrong type", 7, "model_failed", "expected FP32 [1,1], got float64 [1,1]"),
    ("names no output", 8, "model_failed", "predict returned no output y"),
    ("returns nothing", 10, "model_failed", "is a return missing?"),
    ("exits", 14, "model_died", "exit status 1"),
    ("gives a row too few", 17, "model_failed", "expected FP32 [1,1], got float32 [0,1]"),
]


def shown(after, fence):
    """The first block of docs/python.md behind these words that begins with that fence."""
    with open(os.path.join(stage.ROOT, "docs", "python.md"), encoding="utf-8") as f:
        text = f.read().split(after, 1)[1]
    return text.split("\n" + fence + "\n", 1)[1].split("```", 1)[0]


def repository(folder):
    def model(name, lines, *files):
        version = os.path.join(folder, "models", name, "1")
        os.makedirs(version)
        with open(os.path.join(folder, "models", name, "model.properties"), "w",
                  encoding="ascii") as f:
            f.write(lines if "platform" in lines else
                    "platform=python\nmax.batch.size=32\n" + lines)
        for source, target in files:
            shutil.copy(os.path.join(CLASSES, source), os.path.join(version, target))
        return version

    model("words", shown("## A class as the Serving Agent", "```"),
          ("serving_agent.py", "TestModel.py"))
    slow = model("moody", "instances=2\n", ("moody.py", "moody.py"))
    with open(os.path.join(slow, "model.py"), "w", encoding="ascii") as f:
        f.write(SLOW)
    model("torn", "python.module=broken_import\n", ("broken_import.py", "broken_import.py"))
    model("leaky", "python.memory.max=150MiB\n", ("moody.py", "model.py"))
    forest = model("forest", "")
    with open(os.path.join(forest, "model.py"), "w", encoding="ascii") as f:
        f.write(shown("## A scikit-learn model", "```python"))
    made = subprocess.run([stage.PYTHON, "-c", FOREST], cwd=forest, stdout=subprocess.PIPE,
                          check=True)
    return os.path.join(folder, "models"), json.loads(made.stdout)


def infer(address, model, *inputs):
    tensors = [{"name": name, "datatype": datatype, "shape": shape, "data": data}
               for name, datatype, shape, data in inputs]
    return ask.call(address, "POST", f"/v2/models/{model}/infer", {"inputs": tensors})


def forest(address, expected):
    rows, kinds, likely = expected
    code, _, got = infer(address, "forest", ("x", "FP64", [len(rows), 4], sum(rows, [])))
    assert code == 200, got
    outputs = {output["name"]: output for output in got["outputs"]}
    assert outputs["kind"]["data"] == kinds, got
    assert outputs["likely"]["shape"] == [len(rows), 3], got
    assert outputs["likely"]["data"] == sum(likely, []), got
    code, _, got = ask.call(address, "GET", "/v2/models/forest")
    assert code == 200 and got["platform"] == "python", got
    assert got["inputs"] == [{"name": "x", "datatype": "FP64", "shape": [-1, 4]}], got


def words(address):
    code, _, got = infer(address, "words", ("text", "BYTES", [3], ["a b c", "", "d"]))
    assert code == 200 and got["outputs"][0]["data"] == [3, 0, 1], got


def body(row):
    return json.dumps({"inputs": [{"name": "x", "shape": [1, 4], "datatype": "UINT8",
                                   "data": row}]}).encode()


def guilty_alone(address, log, kind):
    what, first, code, cause = kind
    rows = [[0, 0, 0, i] for i in range(MATES)]
    rows.insert(MATES // 2, [first, 0, 0, 0])
    before = len(log())
    answers = ask.wave(address, "/v2/models/moody/infer", [body(row) for row in rows])
    for row, (got, _, answer) in zip(rows, answers):
        if row[0] == 0:
            assert got == 200 and answer["outputs"][0]["data"] == [2 * row[3]], (what, answer)
        else:
            expected = 400 if code == "invalid" else 500
            assert got == expected and answer["code"] == code, f"{what}: {got} {answer}"
            assert cause in answer["detail"], f"{what}: {answer}"
            print(f"{what}: {answer['detail']!r}")
    split = [int(n) for n in re.findall(r"msg=batch_split rows=(\d+)", log()[before:])]
    assert first in (2, 6, 23) or max(split, default=0) > 1, f"{what} had no mates"


def runs(pid):
    """Whether there is such a process, and not only what nobody has waited for."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def killed(address, batcher):
    """SIGKILL for one of the two instances while nothing is asked: the next answer is right."""
    pid = int(re.findall(r"model=moody .*runner_pid=(\d+)", batcher.log())[-1])
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        children = [int(child) for child in f.read().split()]
    assert len(children) == 2, children
    os.kill(children[0], signal.SIGKILL)
    batcher.wait_log("msg=runner_died", f"pid={pid}", "signal 9")
    code, _, got = ask.call(address, "POST", "/v2/models/moody/infer", body([0, 0, 0, 9]))
    assert code == 200 and got["outputs"][0]["data"] == [18], got
    stage.wait_for("the end of the other instance", lambda: not runs(children[1]))


def leaks(address, batcher):
    for i in range(12):
        code, _, got = ask.call(address, "POST", "/v2/models/leaky/infer", body([16, 0, 0, i]))
        assert code == 200 and got["outputs"][0]["data"] == [2 * i], got
    assert len(batcher.wait_log("over python.memory.max=157286400", times=2)) >= 2


def main():
    with stage.Stage() as s:
        models, expected = repository(s.folder)
        s.topics("t.", sorted(os.listdir(models)))
        batcher = s.batcher("t.", models, "--batcher.run.timeout=1500ms",
                            f"--runner.python={stage.PYTHON}")
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        batcher.wait_log("msg=model_failed", "model=torn", "No module named 'no_such_module'")
        forest(address, expected)
        words(address)
        for kind in GUILTY:
            guilty_alone(address, batcher.log, kind)
        ask.call(address, "POST", "/v2/models/moody/infer", body([15, 0, 0, 0]))
        batcher.wait_log("msg=runner", "model=moody", "printed: a word")
        batcher.wait_log("level=error", "msg=runner", "moody: logged: 1 rows")
        killed(address, batcher)
        leaks(address, batcher)
        forest(address, expected)
        log = batcher.log()
        assert "Traceback (most recent call last)" in log, log
        assert "msg=revoked" not in log, log
        assert ingest.stop() == 0, ingest.log()
        assert batcher.stop() == 0, batcher.log()


main()

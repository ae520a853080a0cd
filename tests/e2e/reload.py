#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Models that change while a real Kafka brings requests: new files and new versions take over under
load by poll, signal and order; labels move from one version to another; what is broken replaces
nothing and is told; lazy models are loaded when they are asked and make room for each other; folders
come and go."""
import os
import shutil
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

BODY = b'{"inputs":[{"name":"data","datatype":"UINT8","shape":[1,2],"data":[1,2]}]}'


def write(models, name, *lines):
    os.makedirs(os.path.join(models, name, "1"), exist_ok=True)
    path = os.path.join(models, name, "model.properties")
    with open(path + ".new", "w", encoding="ascii") as f:
        f.write("\n".join(["platform=sim", "input.0=data UINT8 -1,-1", *lines]) + "\n")
    os.rename(path + ".new", path)


def infer(http, name, version=None):
    path = f"/v2/models/{name}" + (f"/versions/{version}" if version else "")
    code, _, answer = ask.call(http, "POST", path + "/infer", BODY)
    return code, answer


def index(http, name, version="1"):
    _, _, models = ask.call(http, "POST", "/v2/repository/index", b"{}")
    found = [m for m in models if m["name"] == name and m["version"] == version]
    return found[0] if found else None


def order(http, name, verb, query="", body=b"{}"):
    code, _, answer = ask.call(http, "POST", f"/v2/repository/models/{name}/{verb}{query}", body)
    return code, answer


def replaces_under_load(s, http, models, batcher):
    options = [f"--address={http}", "--model=m", "--connections=16", "--rate=100"]
    for _ in range(5):  # a fresh broker is slow at first, and refused for that
        if s.program("bench-load", *options, "--duration=3s")["refused"] == 0:
            break
    run = s.background("bench-load", *options, "--duration=10s", "--warm-up=0s")
    stage.wait_for("requests", lambda: batcher.process.poll() is None
                   and infer(http, "m")[0] == 200)
    for i in range(4):
        write(models, "m", "max.batch.size=16", f"sim.alpha={2000 + i}us")
        assert order(http, "m", "load")[0] == 200
    os.makedirs(os.path.join(models, "m", "2"))
    batcher.process.send_signal(signal.SIGHUP)
    batcher.wait_log("msg=model_unloaded", "model=m", times=5)
    result = run.result()
    print(result)
    assert result["right"] > 0, result
    assert result["wrong"] == result["refused"] == result["failed"] == 0, result
    code, answer = infer(http, "m")
    assert code == 200 and answer["model_version"] == "2", answer


def tells_of_what_is_broken(http, models):
    write(models, "m", "max.batch.size=16", "sim.alpha=soon")
    code, answer = order(http, "m", "load", body=b'{"parameters":{"unload_dependents":false}}')
    assert code == 409 and "sim.alpha" in answer["detail"], answer
    assert infer(http, "m")[0] == 200
    state = index(http, "m", "2")
    assert state["state"] == "READY" and "sim.alpha" in state["reason"], state
    write(models, "m", "max.batch.size=16", "sim.alpha=1ms")
    assert order(http, "m", "load")[0] == 200
    assert index(http, "m", "2")["reason"] == ""
    assert order(http, "m", "load", body=b'{"parameters":{"config":"{}"}}')[0] == 400
    assert order(http, "m", "load", "?wait=x")[0] == 400


def moves_a_label(http, models, batcher):
    """Whoever says `stable` is answered by the version that it leads to at the moment."""
    both = ["max.batch.size=16", "sim.alpha=1ms", "version.policy=all"]
    write(models, "m", *both, "version.label.stable=1", "version.label.canary=2")
    assert order(http, "m", "load")[0] == 200
    metadata = ask.call(http, "GET", "/v2/models/m")[2]
    assert metadata["labels"] == {"canary": "2", "stable": "1"}, metadata
    shown = ask.call(http, "GET", "/v1/status")[2]["models"]
    assert [m["labels"] for m in shown if m["name"] == "m"] == [metadata["labels"]], shown
    assert index(http, "m", "1")["labels"] == ["stable"], index(http, "m", "1")
    assert index(http, "m", "2")["labels"] == ["canary"], index(http, "m", "2")
    assert infer(http, "m", "stable")[1]["model_version"] == "1"
    assert infer(http, "m", "canary")[1]["model_version"] == "2"
    assert ask.call(http, "GET", "/v2/models/m/versions/stable")[0] == 200
    assert ask.call(http, "GET", "/v2/models/m/versions/stable/ready")[0] == 200
    code, answer = infer(http, "m", "stabl")
    assert code == 404 and "version or label stabl" in answer["detail"], answer
    job = BODY[:-1] + b',"model":"m","model_version":"stable"}'
    code, _, job = ask.call(http, "POST", "/v1/jobs?wait=10", job)
    job = stage.wait_for("the job", lambda: (lambda j: j["status"] == "succeeded" and j)(
        ask.call(http, "GET", f"/v1/jobs/{job['id']}")[2]))
    assert job["model_version"] == "1", job
    code, _, batch = ask.call(http, "POST", "/v1/batches?model=m&version=canary", BODY)
    assert code == 202, batch
    path = f"/v1/batches/{batch['id']}"
    stage.wait_for("the batch", lambda: ask.call(http, "GET", path)[2]["succeeded"] == 1)
    line = ask.call(http, "GET", path + "/results")[2]
    job = ask.call(http, "GET", f"/v1/jobs/{line['job']}")[2]
    assert line["status"] == "succeeded" and job["model_version"] == "2", (line, job)

    loaded = batcher.log().count("msg=model_loaded")
    write(models, "m", *both, "version.label.stable=2", "version.label.canary=2")
    batcher.process.send_signal(signal.SIGHUP)
    batcher.wait_log("msg=label_moved", "label=stable", "old=1", "new=2")
    assert infer(http, "m", "stable")[1]["model_version"] == "2"
    stage.wait_for("the word of it", lambda: ask.call(
        http, "GET", "/v2/models/m")[2]["labels"]["stable"] == "2")
    write(models, "m", *both, "version.label.stable=1")
    batcher.wait_log("msg=label_moved", "label=stable", "old=2", "new=1")  # by the poll
    assert infer(http, "m", "stable")[1]["model_version"] == "1"
    assert batcher.log().count("msg=model_loaded") == loaded, "a label loads nothing"
    write(models, "m", *both, "version.label.stable=9")
    code, answer = order(http, "m", "load")
    assert code == 409 and "no folder of version 9" in answer["detail"], answer
    assert infer(http, "m", "stable")[1]["model_version"] == "1"
    write(models, "m", "max.batch.size=16", "sim.alpha=1ms")
    assert order(http, "m", "load")[0] == 200
    assert infer(http, "m", "stable")[0] == 404
    assert "labels" not in ask.call(http, "GET", "/v2/models/m")[2]
    assert "labels" not in index(http, "m", "2")


def differ_between_batchers(s):
    """Who runs a request says what a label means; one that it does not know is 404."""
    s.topics("d.", ["m"], 4)
    both = ["max.batch.size=4", "version.policy=all"]
    repositories = [s.models(m=[*both, "version.label.stable=1"]),
                    s.models(m=[*both, "version.label.stable=2", "version.label.green=2"])]
    for models in repositories:
        os.makedirs(os.path.join(models, "m", "2"))
    batchers = [s.batcher("d.", models) for models in repositories]
    http = s.ingest("d.").ready["http"]
    s.balanced(batchers, 4)
    newest = {"green": "2", "stable": "2"}
    stage.wait_for("the labels", lambda: ask.call(
        http, "GET", "/v2/models/m")[2].get("labels") == newest)
    stable = [infer(http, "m", "stable") for _ in range(40)]
    green = [infer(http, "m", "green") for _ in range(40)]
    assert {code for code, _ in stable} == {200}, stable
    assert {answer["model_version"] for _, answer in stable} == {"1", "2"}, stable
    assert {answer.get("model_version", code) for code, answer in green} == {"2", 404}, green


def unloads_by_order(s, http):
    assert order(http, "m", "unload")[0] == 200
    state = index(http, "m", "2")
    assert state["state"] == "UNAVAILABLE" and state["reason"] == "unloaded by order", state
    code, _, job = ask.call(http, "POST", "/v1/jobs", BODY[:-1] + b',"model":"m"}')
    assert code == 202, job
    assert order(http, "m", "load", "?wait=0")[0] == 200
    stage.wait_for("the job", lambda: ask.call(
        http, "GET", f"/v1/jobs/{job['id']}")[2]["status"] == "succeeded")


def takes_folders_as_they_come_and_go(s, http, models, batcher):
    write(models, "late", "max.batch.size=4")
    batcher.wait_log("msg=topic_missing", "late", "leat topics create")
    s.topics("r.", ["late"])
    stage.wait_for("the late one", lambda: infer(http, "late")[0] == 200, 60)
    shutil.rmtree(os.path.join(models, "late"))
    batcher.wait_log("msg=model_removed", "model=late")
    stage.wait_for("no more", lambda: index(http, "late") is None)
    assert infer(http, "late")[0] == 404


def makes_room(s):
    names = [f"l{i}" for i in range(6)]
    models = s.models(**{name: ["max.batch.size=4", "sim.memory.mib=32"] for name in names})
    s.topics("l.", names, 2)
    probe = s.batcher("l.", models, "--models.load=l0", "--admin.listen=127.0.0.1:0")
    one = int(ask.metric(probe.ready["admin"], "leat_batcher_model_memory_bytes"))
    assert probe.stop() == 0
    batcher = s.batcher("l.", models, "--models.lazy=true", "--admin.listen=127.0.0.1:0",
                        f"--models.memory.max={one * 5 // 2}")
    http = s.ingest("l.").ready["http"]
    stage.wait_for("models", lambda: all(index(http, name) for name in names))
    for name in names * 2:
        code, answer = infer(http, name)
        assert code == 200, (name, answer)
    admin = batcher.ready["admin"]
    loads = ask.metric(admin, "leat_batcher_model_loads_total")
    evictions = ask.metric(admin, "leat_batcher_model_evictions_total")
    print(f"loads {loads} evictions {evictions} of {one} bytes each")
    assert loads >= 12 and evictions >= 10, (loads, evictions)


def main():
    with stage.Stage() as s:
        s.topics("r.", ["m"])
        models = s.models(m=["max.batch.size=16", "sim.alpha=1999us"])
        batcher = s.batcher("r.", models, "--models.poll.interval=500ms")
        http = s.ingest("r.").ready["http"]
        stage.wait_for("m", lambda: infer(http, "m")[0] == 200)
        replaces_under_load(s, http, models, batcher)
        tells_of_what_is_broken(http, models)
        moves_a_label(http, models, batcher)
        unloads_by_order(s, http)
        takes_folders_as_they_come_and_go(s, http, models, batcher)
        assert batcher.stop() == 0, batcher.log()
        differ_between_batchers(s)
        makes_room(s)


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs followed as server-sent events, read as the WHATWG page says and by curl: positions fall,
one event ends the stream, a line without news is kept alive, who comes back is told once, what
takes long is told to run."""
import http.client
import json
import os
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

BATCH = 4
LARGE = 20000  # floats


def job(address, model, n=0):
    code, headers, got = ask.call(address, "POST", "/v1/jobs", ask.numbered(n, model=model))
    assert code == 202, got
    return headers["location"]


class Events:
    """An event stream, dispatched by the rules of html.spec.whatwg.org, section 9.2.6."""

    def __init__(self, address, place, last_id=None):
        host, port = address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=60)
        headers = {"Accept": "text/event-stream"}
        if last_id is not None:
            headers["Last-Event-ID"] = last_id
        self.connection.request("GET", place + "/events", headers=headers)
        self.response = self.connection.getresponse()
        self.comments = 0
        self.last_id = ""
        self.retry = None

    def __iter__(self):
        assert self.response.status == 200, self.response.read()
        assert self.response.getheader("Content-Type") == "text/event-stream"
        kind, data = "", []
        for line in self.response:
            line = line.decode("utf-8")
            assert line.endswith("\n"), f"a line that has no end: {line}"
            line = line[:-1]
            if line == "":
                if data:
                    yield kind or "message", self.last_id, json.loads("\n".join(data))
                kind, data = "", []
                continue
            if line.startswith(":"):
                self.comments += 1
                continue
            field, _, value = line.partition(":")
            value = value[1:] if value.startswith(" ") else value
            if field == "event":
                kind = value
            elif field == "data":
                data.append(value)
            elif field == "id":
                self.last_id = value
            else:
                assert field == "retry" and value.isdigit(), line
                self.retry = int(value)
        assert kind == "" and not data, "an event that has no end"


def follow(address, place, gathered):
    begin = time.monotonic()
    gathered += [(time.monotonic() - begin, *event) for event in Events(address, place)]


def queue(address):
    """40 jobs of 10 batches; all of them followed."""
    places = [job(address, "slow", n) for n in range(40)]
    gathered = [[] for _ in places]
    followers = [threading.Thread(target=follow, args=(address, p, g))
                 for p, g in zip(places, gathered)]
    for f in followers:
        f.start()
    for f in followers:
        f.join()
    for place, events in zip(places, gathered):
        kinds = [kind for _, kind, _, _ in events]
        assert kinds[-1] == "succeeded" and set(kinds[:-1]) <= {"queued", "running"}, kinds
        documents = [document for _, _, _, document in events]
        assert all(d["id"] == place.rsplit("/", 1)[1] for d in documents), documents
        assert documents[-1]["outputs"], documents[-1]
        known = [d["position"] for d in documents[:-1] if d.get("position") is not None]
        assert known == sorted(known, reverse=True), f"positions rise: {known}"
        assert events[-1][2] == "end"
        times = [at for at, kind, _, _ in events if kind == "queued"]
        # One may come late and the next in time, but not each of them.
        assert not times or len(times) < times[-1] - times[0] + 2, f"over one a second: {times}"
    told = [len(events) - 1 for events in gathered]
    last = [d["position"] for _, kind, _, d in gathered[-1] if kind == "queued"]
    assert len(last) >= 3, f"the last of the queue heard only {last}"
    print(f"40 followed: {sum(told)} positions told, the last one's {last}")


def come_back(address):
    place = job(address, "slow")
    first = Events(address, place)
    kind, last_id, _ = next(iter(first))
    assert kind == "queued", kind
    first.connection.close()
    assert first.retry is not None
    again = Events(address, place, last_id)
    events = list(again)
    assert events[-1][0] == "succeeded", events
    done = Events(address, place, events[-1][1])
    assert done.response.status == 204 and done.response.read() == b"", done.response.status
    late = list(Events(address, place))
    assert [kind for kind, _, _ in late] == ["succeeded"], late


def canceled(address):
    places = [job(address, "slow", n) for n in range(24)]
    stream = Events(address, places[-1])
    events = iter(stream)
    assert next(events)[0] == "queued"
    code, _, got = ask.call(address, "DELETE", places[-1] + "?wait=10")
    assert code == 200 and got["status"] == "canceled", (code, got)
    kinds = [kind for kind, _, _ in events]
    assert kinds[-1] == "canceled", kinds
    for place in places[:-1]:
        ask.call(address, "GET", place + "?wait=20")
    code, _, got = ask.call(address, "DELETE", places[0] + "?wait=10")
    assert code == 409 and got["job_status"] == "succeeded", (code, got)


def curl(address):
    place = job(address, "slow")
    run = subprocess.run(["curl", "-sSN", "--max-time", "30", f"http://{address}{place}/events"],
                         stdout=subprocess.PIPE, check=True, text=True)
    assert run.stdout.startswith("retry: "), run.stdout
    assert run.stdout.count("event: succeeded\nid: end\ndata: {") == 1, run.stdout
    assert run.stdout.endswith("}\n\n"), run.stdout


def alive(s, address, models):
    """Nobody serves the model for a while: a comment shows that the line stands."""
    batcher = s.batcher("t.", models, "--models.load=left")
    ask.call(address, "GET", job(address, "left") + "?wait=20")
    assert batcher.stop() == 0, batcher.log()
    stream, events = Events(address, job(address, "left")), []
    reader = threading.Thread(target=lambda: events.extend(stream))
    reader.start()
    stage.wait_for("a heartbeat", lambda: stream.comments > 0)
    assert events[-1][2]["estimate_ms"] is None, f"nobody serves it, yet: {events[-1]}"
    batcher = s.batcher("t.", models, "--models.load=left")
    reader.join()
    kinds = [kind for kind, _, _ in events]
    assert kinds[-1] == "succeeded" and len(kinds) < 10, kinds
    assert batcher.stop() == 0, batcher.log()


def large(address):
    """Outputs that are too large for an event are left where they can be read."""
    data = {"name": "data", "shape": [1, LARGE], "datatype": "FP32", "data": [1] * LARGE}
    code, headers, got = ask.call(address, "POST", "/v1/jobs",
                                  {"model": "echo", "inputs": [data]})
    assert code == 202, got
    kind, _, document = list(Events(address, headers["location"]))[-1]
    assert kind == "succeeded" and "outputs" not in document, document
    code, _, got = ask.call(address, "GET", document["outputs_path"])
    assert code == 200 and len(got["outputs"][0]["data"]) == LARGE, code


def elsewhere(address, other):
    """Jobs of one ingest, followed at another that may not own them."""
    places = [job(address, "slow", n) for n in range(16)]
    gathered = [[] for _ in places]
    followers = [threading.Thread(target=follow, args=(other, p, g))
                 for p, g in zip(places, gathered)]
    for f in followers:
        f.start()
    for f in followers:
        f.join()
    for place, events in zip(places, gathered):
        kinds = [kind for _, kind, _, _ in events]
        assert kinds[-1] == "succeeded" and set(kinds[:-1]) <= {"queued", "running"}, kinds
        assert all(d["id"] == place.rsplit("/", 1)[1] for _, _, _, d in events), events
        assert events[-1][2] == "end" and events[-1][3]["outputs"], events[-1]
        done = Events(other, place, "end")
        assert done.response.status == 204, done.response.status
    told = sum(len(events) - 1 for events in gathered)
    assert told >= len(places), f"only {told} positions were told"
    unknown = Events(other, "/v1/jobs/018bcfe5-687b-7abc-8def-0123456789ab")
    assert unknown.response.status == 404, unknown.response.status
    large(other)
    print(f"{len(places)} followed at another ingest, {told} positions told")


def expect_run(events):
    """Queued, running once, succeeded, all with the job."""
    kinds = [kind for _, kind, _, _ in events]
    assert kinds == ["queued"] * kinds.count("queued") + ["running", "succeeded"], kinds
    at, _, last_id, document = events[-2]
    assert last_id == "running" and document["status"] == "running", events[-2]
    assert "position" not in document and "estimate_ms" not in document, document
    return events[-1][0] - at


def runs(s, one, other):
    """A model that takes 2 s: whoever asks where, it is queued, runs and has ended."""
    models = s.models(long=["max.batch.size=1", "sim.alpha=2s"])
    s.topics("t.", ["long"])
    batcher = s.batcher("t.", models)
    addresses = [one, other]
    for address in addresses:
        stage.wait_for("the model", lambda a=address: ask.call(a, "GET", "/v2/models/long/ready")[0]
                       == 200)
    ask.call(one, "GET", job(one, "long") + "?wait=30")  # partitions are assigned
    places = [job(addresses[n % 2], "long", n) for n in range(4)]
    gathered = {(place, at): [] for place in places for at in addresses}
    followers = [threading.Thread(target=follow, args=(at, place, events))
                 for (place, at), events in gathered.items()]
    for f in followers:
        f.start()
    seen = {at: set() for at in addresses}
    while any(f.is_alive() for f in followers):
        for at in addresses:
            for place in places:
                seen[at].add(ask.call(at, "GET", place)[2]["status"])
        time.sleep(0.1)
    left = [expect_run(events) for events in gathered.values()]
    assert all(s == {"queued", "running", "succeeded"} for s in seen.values()), seen
    place = job(one, "long")
    stream = iter(Events(other, place))
    assert any(kind == "running" for kind, _, _ in stream)
    again = [kind for kind, _, _ in Events(one, place, "running")]
    assert again in (["running", "succeeded"], ["succeeded"]), again
    assert [kind for kind, _, _ in stream] == ["succeeded"]
    print(f"{len(left)} streams told of a run of 2 s, {min(left):.2f} to {max(left):.2f} s "
          "before its end")
    return batcher


def followed(address):
    queue(address)
    come_back(address)
    canceled(address)
    curl(address)
    large(address)


def main():
    with stage.Stage() as s:
        slow = [f"max.batch.size={BATCH}", "sim.alpha=500ms"]
        models = s.models(slow=slow, left=slow)
        s.topics("t.", ["slow", "left", "echo"])
        batcher = s.batcher("t.", models, "--models.load=slow")
        echo = s.batcher("t.", os.path.join(stage.ROOT, "tests", "support", "models"),
                         "--models.load=echo")
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        ask.call(address, "GET", job(address, "slow") + "?wait=20")  # partitions are assigned
        stage.side_by_side((followed, address), (alive, s, address, models))
        second = s.ingest("t.")
        elsewhere(address, second.ready["http"])
        elsewhere(second.ready["http"], address)
        long = runs(s, address, second.ready["http"])
        for process in (second, ingest, echo, batcher, long):
            assert process.stop() == 0, process.log()


main()

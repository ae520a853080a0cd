#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Bad input, by HTTP and straight into the request topic: each is refused with its place and
reason, and nobody else notices."""
import json
import os
import random
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import records  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
SIM = "/v2/models/sim/infer"
ECHO = "/v2/models/echo/infer"
PAIR = "/v2/models/pair/infer"
DIGITS = "/v2/models/digits/infer"
JOBS = "/v1/jobs"
MODEL_NAMES = ["sim", "echo", "pair", "digits"]
MIB = 1 << 20


def body(**members):
    """A good body for sim with some members of its input replaced, or left out by None."""
    data = {"name": "data", "shape": [1, 4], "datatype": "UINT8", "data": [1, 2, 3, 4]}
    data.update(members)
    return {"inputs": [{k: v for k, v in data.items() if v is not None}]}


def binary(size, **members):
    return json.dumps(body(data=None, parameters={"binary_data_size": size}, **members))


GOOD = body()
JOB = {**GOOD, "model": "sim"}
NUMBERS = {"name": "numbers", "shape": [2, 2], "datatype": "INT32", "data": [1, 2, 3, 4]}
TEXTS = {"name": "texts", "shape": [2], "datatype": "BYTES", "data": ["a", "b"]}
PIXELS = {"name": "pixels", "shape": [1, 64], "datatype": "FP32", "data": [0] * 64}
FLOAT = '{"inputs":[{"name":"data","shape":[1,1],"datatype":"FP32","data":[%s]}]}'

# What is wrong with the text: (path, body, what the error says).
MALFORMED = [
    (SIM, "", ["body is empty"]),
    (SIM, "nonsense", ["line 1, column 1"]),
    (SIM, b"\xff\xfe{}", ["line 1, column 1"]),
    (SIM, "[" * 5000, ["line 1, column 1"]),
    (SIM, '{"x":' + "[" * 5000, ["/x/0", "nested", "line 1"]),
    (SIM, "{", ["line 1, column 2"]),
    (SIM, '{"inputs":', ["/inputs", "line 1, column 11"]),
    (SIM, '{"id":"x",}', ["line 1, column 11"]),
    (SIM, json.dumps(GOOD) + " x", ["behind the end", "line 1, column 92"]),
    (SIM, '{"inputs":[{"name":"\\ud800"}]}', ["/inputs/0/name", "line 1, column 21"]),
    (SIM, b'{"inputs":[{"name":"\xc3\x28"}]}', ["/inputs/0/name", "line 1"]),
    (SIM, '{"inputs":[{"name":"data","name":"data"}]}', ["/inputs/0/name", "twice"]),
    (SIM, '{\n "inputs":[\n{"name":"data","shape":[1,4],"datatype":"UINT8",\n"data":[1,,2]}]}',
     ["/inputs/0/data/1", "line 4, column 11"]),
    (ECHO, FLOAT % "NaN", ["/inputs/0/data/0", "NaN", "line 1, column 67"]),
    (ECHO, FLOAT % "1e99", ["/inputs/0/data/0", "1e99 is out of range for FP32"]),
    (ECHO, FLOAT % "01", ["/inputs/0/data", "line 1"]),
]

# Well formed, but not what the model or the protocol takes.
UNFIT = [
    (SIM, {}, ["/inputs", "missing"]),
    (SIM, {"inputs": {}}, ["/inputs", "array"]),
    (SIM, {"inputs": [1]}, ["/inputs/0", "object"]),
    (SIM, body(name=None), ["/inputs/0", "without a name"]),
    (SIM, body(shape=None), ["/inputs/0", "without a shape"]),
    (SIM, body(datatype=None), ["/inputs/0", "without a datatype"]),
    (SIM, body(data=None), ['/inputs/0', '"data"', "neither data nor"]),
    (SIM, body(name="dta"), ['input "dta" is unknown']),
    (SIM, body(name="\u00e9" * 50 + "x" * 90), ['input "\u00e9', "unknown"]),
    (SIM, body(name="x" * 300), ["/inputs/0/name", "longer than"]),
    (SIM, body(datatype="FP32"), ['input "data" is FP32', "wants UINT8"]),
    (SIM, body(datatype="FLOAT"), ["/inputs/0/datatype", '"FLOAT"']),
    (SIM, body(datatype=7), ["/inputs/0/datatype", "string"]),
    (SIM, body(shape=[4]), ['input "data" has shape [4]', "[-1,-1]"]),
    (SIM, body(shape=[1, 5]), ["/inputs/0/data", "4 elements", "[1,5]"]),
    (SIM, body(shape=[-1, 4]), ["/inputs/0/shape/0", "-1"]),
    (SIM, body(shape=[1, 4.5]), ["/inputs/0/shape/1", "integer"]),
    (SIM, body(shape=[1] * 9), ["/inputs/0/shape", "dimensions"]),
    (SIM, body(shape=[2**62, 8]), ["/inputs/0/shape", "2^63"]),
    (SIM, body(shape=[1, 2**62]), ["/inputs/0/data", "fewer elements"]),
    (SIM, body(shape=[65, 1], data=[0] * 65), ['input "data" has 65 rows', "1 to 64"]),
    (SIM, body(shape=[0, 4], data=[]), ['input "data" has 0 rows']),
    (SIM, body(data=5), ["/inputs/0/data", "array"]),
    (SIM, body(data=[1, 2, 3]), ["/inputs/0/data", "3 elements"]),
    (SIM, body(data=[1, 2, 3, 4, 5]), ["/inputs/0/data/4", "more elements"]),
    (SIM, body(data=[1, 2, "3", 4]), ["/inputs/0/data/2", "number"]),
    (SIM, body(data=[1, 2, 3, 256]), ["/inputs/0/data/3", "256 is out of range for UINT8"]),
    (SIM, body(data=[-1, 2, 3, 4]), ["/inputs/0/data/0", "-1 is out of range"]),
    (SIM, body(data=[1.5, 2, 3, 4]), ["/inputs/0/data/0", "integer"]),
    (SIM, body(data=[[1, 2, 3], [4]]), ["/inputs/0/data/1", "nested array"]),
    (SIM, body(parameters={"binary_data_size": 4}), ["/inputs/0", "both data and"]),
    (SIM, body(parameters={"shared_memory_region": "r"}), ["shared_memory_region"]),
    (SIM, {"inputs": GOOD["inputs"] * 2}, ['input "data" is given twice']),
    (SIM, {**GOOD, "outputs": [{"name": "no"}]}, ['output "no" is unknown']),
    (SIM, {**GOOD, "outputs": [{"name": "hash"}] * 2}, ['output "hash"', "twice"]),
    (SIM, {**GOOD, "outputs": [{}]}, ["/outputs/0", "name"]),
    (SIM, {**GOOD, "parameters": {"timeout": "x"}}, ["/parameters/timeout", "number"]),
    (PAIR, {"inputs": [NUMBERS]}, ['input "texts" is missing']),
    (PAIR, {"inputs": [NUMBERS, {**TEXTS, "data": ["a", 1]}]}, ["/inputs/1/data/1"]),
    (PAIR, {"inputs": [{**NUMBERS, "shape": [1, 4]}, TEXTS]},
     ['input "numbers" has shape [1,4]', "[2,2]"]),
    (DIGITS, {"inputs": [{**PIXELS, "shape": [1, 63], "data": [0] * 63}]},
     ['input "pixels" has shape [1,63]', "[-1,64]"]),
    (JOBS, GOOD, ["/model", "missing"]),
    (JOBS, {"model": "sim"}, ["/inputs", "missing"]),
    (JOBS, {**JOB, "model": 7}, ["/model", "string"]),
    (JOBS, {**JOB, "modle": 1}, ["/modle", "unknown member"]),
    (JOBS, {**JOB, "deadline_ms": -1}, ["/deadline_ms", "-1"]),
    (JOBS, {**JOB, "priority": "high"}, ["/priority", "number"]),
    (JOBS, {**JOB, "webhook": {"uri": "x"}}, ["/webhook/uri", "unknown member"]),
    (JOBS, {**JOB, "webhook": {"url": "http://x"}}, ["webhook", "webhook.secret.file"]),
]

LENGTH = "Inference-Header-Content-Length"
# (value of the header, JSON, binary part, what the error says)
BINARY = [
    ("x", binary(4), b"1234", [LENGTH]),
    ("", binary(4), b"1234", [LENGTH]),
    ("-1", binary(4), b"1234", [LENGTH]),
    ("9" * 20, binary(4), b"1234", [LENGTH]),
    ("999999", binary(4), b"1234", [LENGTH, "999999"]),
    ("5", binary(4), b"1234", ["line 1, column 2"]),
    (None, binary(4), b"", ["/inputs/0/parameters/binary_data_size", "0 are left"]),
    (None, binary(4), b"123", ["/inputs/0/parameters/binary_data_size", "3 are left"]),
    (None, binary(4), b"12345", ["5 bytes", "add up to 4"]),
    (None, binary(5), b"12345", ["/inputs/0", "5 bytes of data for 4 elements of UINT8"]),
    (None, binary(2**63 - 1), b"1234", ["/inputs/0/parameters/binary_data_size"]),
    (None, json.dumps({"inputs": [NUMBERS, {
        "name": "texts", "shape": [2], "datatype": "BYTES",
        "parameters": {"binary_data_size": 9}}]}), b"\xff\xff\xff\xffabcde",
     ["/inputs/1", "element 0", "4294967295"]),
    ("0", "", b"", ["body is empty"]),
]

# (method, path, body, code, what the error says, Allow)
ELSEWHERE = [
    ("POST", "/v2/models/nope/infer", GOOD, 404, ["model nope"], None),
    ("POST", "/v2/models/%ff%0d%0a%22/infer", GOOD, 404, ["model"], None),
    ("POST", f"/v2/models/{'m' * 400}/infer", GOOD, 404, ["model mmm"], None),
    ("POST", "/v2/models/sim/versions/9/infer", GOOD, 404, ["sim", "no version or label 9"], None),
    ("POST", JOBS, {**GOOD, "model": "nope"}, 404, ["model nope"], None),
    ("POST", JOBS, {**JOB, "model_version": "9"}, 404, ["sim", "no version or label 9"], None),
    ("GET", SIM, None, 405, ["method"], "POST"),
    ("PUT", SIM, GOOD, 405, ["method"], "POST"),
    ("PATCH", SIM, GOOD, 405, ["method"], "POST"),
    ("POST", "/v2/models/sim", GOOD, 405, ["method"], "GET, HEAD"),
    ("POST", "/nothing", GOOD, 404, ["no such resource"], None),
    ("POST", SIM + "/x", GOOD, 404, ["no such resource"], None),
    ("POST", "/v2/models//infer", GOOD, 404, ["no such resource"], None),
    ("GET", JOBS + "/abc", None, 404, ["no such job"], None),
    ("GET", f"{JOBS}/{records.new_id()}", None, 404, ["no such job"], None),
    ("GET", f"{JOBS}/{records.new_id()}?wait=x", None, 400, ["wait"], None),
    ("POST", SIM, "x" * (9 * MIB), 413, ["larger"], None),
    # As JSON below the limit, as FP32 above what Kafka takes.
    ("POST", ECHO, FLOAT.replace("1,1", "1,%d" % (5 * MIB // 2)) %
     ",".join("1" * (5 * MIB // 2)), 413, ["record", "bytes"], None),
]

TEXT = json.dumps(GOOD).encode()
HEAD = f"POST {SIM} HTTP/1.1\r\nHost: leat\r\n".encode()
SIZE = b"Content-Length: %d\r\n" % len(TEXT)
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(TEXT), TEXT)
# Two readers of these could disagree where the body ends: (bytes, code).
FRAMING = [
    (HEAD + SIZE + SIZE + b"\r\n" + TEXT, 400),
    (HEAD + SIZE + b"Content-Length: 0\r\n\r\n" + TEXT, 400),
    (HEAD + b"Content-Length: 4, 4\r\n\r\n" + TEXT, 400),
    (HEAD + b"Content-Length: +4\r\n\r\n" + TEXT, 400),
    (HEAD + b"Content-Length: -1\r\n\r\n" + TEXT, 400),
    (HEAD + b"Content-Length: 0x10\r\n\r\n" + TEXT, 400),
    (HEAD + b"Content-Length: 99999999999999\r\n\r\n" + TEXT, 413),
    (HEAD + b"Content-Length: 99999999999999999999999\r\n\r\n" + TEXT, 413),
    (HEAD + SIZE + CHUNKED + CHUNKS, 400),
    (HEAD + CHUNKED + b"Content-Length: 4\r\n" + CHUNKS, 400),
    (HEAD + CHUNKED + CHUNKED + CHUNKS, 400),
    (HEAD + b"Transfer-Encoding: gzip, chunked\r\n" + CHUNKS, 400),
    (HEAD + b"Transfer-Encoding: identity\r\n\r\n" + TEXT, 400),
    (HEAD + CHUNKED + b"\r\nzz\r\n" + TEXT, 400),
    (HEAD + CHUNKED + b"\r\nffffffffffffffffff\r\n" + TEXT, 413),
    (HEAD + b"Content-Length : 4\r\n\r\n" + TEXT, 400),
    (HEAD + b"X: a\r\n folded\r\n" + SIZE + b"\r\n" + TEXT, 400),
    (HEAD + b"X: a\n" + SIZE + b"\r\n" + TEXT, 400),
    (HEAD + b"X: a\0b\r\n" + SIZE + b"\r\n" + TEXT, 400),
    (HEAD + b"Host: other\r\n" + SIZE + b"\r\n" + TEXT, 400),
    (f"POST {SIM} HTTP/1.1\r\n".encode() + SIZE + b"\r\n" + TEXT, 400),
    (HEAD + b"X: " + b"x" * 70000 + b"\r\n\r\n", 431),
    (b"GET /v2/models/%00 HTTP/1.1\r\nHost: leat\r\n\r\n", 400),
    (b"GET / HTTP/9.9\r\nHost: leat\r\n\r\n", 505),
]


def refused(answer, code, words, what):
    got, headers, problem = answer
    assert got == code, f"{what}: {got} {problem}"
    assert headers["content-type"] == "application/problem+json", f"{what}: {headers}"
    assert problem["status"] == code and problem["error"] == problem["detail"], problem
    for word in words:
        assert word in problem["detail"], f"{what}: '{word}' is not in {problem['detail']}"


def shown(value):
    return str(value)[:120]


def http(address):
    for path, text, words in MALFORMED + UNFIT:
        refused(ask.call(address, "POST", path, text), 400, words, shown(text))
    for value, text, rest, words in BINARY:
        path = PAIR if "numbers" in text else SIM
        size = str(len(text)) if value is None else value
        refused(ask.call(address, "POST", path, text.encode() + rest, {LENGTH: size}),
                400, words, f"{LENGTH}: {size}, {shown(text)}")
    for method, path, text, code, words, allow in ELSEWHERE:
        answer = ask.call(address, method, path, text)
        refused(answer, code, words, f"{method} {path[:60]}")
        assert answer[1].get("allow") == allow, answer[1]
    refused(ask.call(address, "POST", SIM, GOOD, {"Content-Encoding": "gzip"}), 415,
            ["compressed"], "gzip")
    for data, code in FRAMING:
        answer, closed = ask.raw(address, data)
        assert answer.startswith(b"HTTP/1.1 %d " % code), f"{data[:200]}: {answer[:300]}"
        assert b"200 OK" not in answer and closed, f"{data[:200]}: {answer[:300]}"
    answer, _ = ask.raw(address, HEAD + b"Connection: close\r\n" + CHUNKED + CHUNKS)
    assert answer.startswith(b"HTTP/1.1 200 "), answer
    _, closed = ask.raw(address, b"\x16\x03\x01\x02\x00\x01\x00" + bytes(range(256)))
    assert closed, "what is no HTTP is hung up on"
    print(len(MALFORMED + UNFIT + BINARY + ELSEWHERE + FRAMING) + 1, "requests refused")


def good_record(row):
    one = records.new_id()
    return one, records.request(one, [records.tensor("data", row, [1, len(row)])])


def bad_records():
    """(value, reason in the dead letter, id that is told of it or None)"""
    chance = random.Random(4)
    bad = [(chance.randbytes(chance.randrange(1, 200)), "", None) for _ in range(20)]
    bad += [(records.PREFIX + chance.randbytes(60), "", None) for _ in range(20)]
    bad += [(json.dumps(GOOD).encode(), "", None), (None, "", None)]
    _, whole = good_record(b"\1\2\3\4")
    bad += [(whole[:11], "length of 36 with 0 bytes left", None)]
    bad += [(b"\xc3\x01" + b"\7" * 8 + whole[10:], "schema fingerprint", None)]
    bad += [(records.PREFIX + records.number(2**62), "length of 4611686018427387904", None),
            (records.PREFIX + records.number(-1), "length of -1", None),
            (records.PREFIX + b"\xff" * 11, "64 bits", None)]

    def damaged(reason, change):
        one, value = good_record(b"\1\2\3\4")
        bad.append((change(value), reason, one))

    for size in range(48, len(whole)):
        damaged("", lambda value, size=size: value[:size])
    damaged("behind its end", lambda value: value + b"\0")
    head = len(records.PREFIX) + 37  # behind the id
    model = records.text("sim") + records.number(0)
    for reason, rest in (
            ("inputs", records.number(2**60)),
            ("inputs", records.number(-2**63) + records.number(8)),
            ("inputs[0].datatype", records.number(1) + records.text("data") +
             records.number(99)),
            ("inputs[0].shape", records.number(1) + records.text("data") +
             records.number(1) + records.number(2**40)),
            ("inputs[0].data", records.number(1) + records.text("data") +
             records.number(1) + records.number(1) + records.number(4) +
             records.number(0) + records.number(2**40))):
        damaged(reason, lambda value, rest=rest: value[:head] + model + rest)
    one = records.new_id()
    bad.append((records.request(one, [records.tensor("data", b"123", [1, 4])]),
                "inputs[0]: 3 bytes of data for 4 elements", one))
    return bad


def unfit_records():
    """Records that can be read but not be run: (value, id, what the answer says)."""
    row = records.tensor("data", b"1234", [1, 4])
    made = []
    for words, inputs, more in (
            ("another model", [row], {"model": "echo"}),
            ("version 9", [row], {"version": "9"}),
            ('input "dta"', [records.tensor("dta", b"1234", [1, 4])], {}),
            ("[4]", [records.tensor("data", b"1234", [4])], {}),
            ("65 rows", [records.tensor("data", b"1" * 65, [65, 1])], {}),
            ("missing", [], {})):
        one = records.new_id()
        made.append((records.request(one, inputs, **more), one, words))
    return made


def settled(address, one):
    """The job once it has ended; a stranger's id is known when its reply was read."""
    def ended():
        code, _, job = ask.call(address, "GET", f"{JOBS}/{one}")
        unended = code != 200 or job["status"] in ("queued", "running")
        return None if unended else job

    return stage.wait_for(f"an answer to {one}", ended)


class Neighbours(threading.Thread):
    """Callers who go on asking while the bad records come."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address = address
        self.enough = threading.Event()
        self.count = 0
        self.wrong = []

    def run(self):
        while not self.enough.is_set():
            row = [self.count % 256, 1, 2, 3]
            code, _, got = ask.call(self.address, "POST", SIM, body(data=row))
            if code != 200 or got["outputs"][0]["data"] != [records.fnv(bytes(row))]:
                self.wrong.append((code, got))
            self.count += 1


def straight_to_kafka(s, address):
    bad = bad_records()
    unfit = unfit_records()
    rows = [bytes([i, 5, 6]) for i in range(len(bad))]
    good = [good_record(row) for row in rows]
    values = []
    for (value, _, _), (_, neighbour) in zip(bad, good):
        values += [value, neighbour]
    neighbours = Neighbours(address)
    neighbours.start()
    records.produce(s, "t.requests.sim", values + [value for value, _, _ in unfit])
    for row, (one, _) in zip(rows, good):
        job = settled(address, one)
        assert job["status"] == "succeeded", job
        assert job["outputs"][0]["data"] == [records.fnv(row)], job
    for _, one, words in unfit:
        job = settled(address, one)
        assert job["status"] == "failed" and words in str(job["error"]), job
    neighbours.enough.set()
    neighbours.join()
    assert neighbours.count > 0 and not neighbours.wrong, neighbours.wrong[:3]
    dead_letters(records.read(s, "t.dead-letters"), bad)
    told(records.read(s, "t.replies"), bad)
    print(len(bad), "dead letters,", len(unfit), "refused,", len(good), "neighbours on",
          "their partition and", neighbours.count, "by HTTP answered")


def dead_letters(letters, bad):
    """One for each, with its bytes as they were; order does not matter."""
    assert len(letters) == len(bad), f"{len(letters)} dead letters for {len(bad)}"
    by_value = {value: (key, headers) for key, value, headers in letters}
    for value, reason, _ in bad:
        assert (value or b"") in by_value, f"no dead letter has {value}"
        key, headers = by_value[value or b""]
        assert key == b"stranger", key
        assert "__connect.errors.topic=t.requests.sim" in headers, headers
        assert "__connect.errors.partition=0" in headers, headers
        assert "__connect.errors.offset=" in headers, headers
        message = headers.split("__connect.errors.exception.message=", 1)[1]
        assert reason in message, f"{reason}: {headers}"


def told(replies, bad):
    """Whoever could be named hears of it; by Kafka only, for the tenant was not read."""
    by_id = {key.decode(): value for key, value, _ in replies}
    for _, reason, one in bad:
        assert one is None or reason.encode() in by_id[one], f"{one}: {reason}"


def main():
    with stage.Stage() as s:
        models = os.path.join(s.folder, "models")
        os.mkdir(models)
        for name in MODEL_NAMES:
            home = os.path.join(stage.ROOT, "models") if name == "digits" else MODELS
            os.symlink(os.path.join(home, name), os.path.join(models, name))
        s.topics("t.", MODEL_NAMES)
        batcher = s.batcher("t.", models)
        ingest = s.ingest("t.")
        address = ingest.ready["http"]
        http(address)
        assert s.records("t.dead-letters") == [], "HTTP lets nothing bad through"
        assert len(s.records("t.requests.sim")) == 1, "only the good one was produced"
        straight_to_kafka(s, address)
        assert batcher.log().count("msg=assigned topic=t.requests.sim ") == 1, batcher.log()
        assert "msg=runner_died" not in batcher.log(), batcher.log()
        assert ingest.stop() == 0, ingest.log()
        assert batcher.stop() == 0, batcher.log()


main()

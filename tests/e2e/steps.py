#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images in, labels out: a model with steps, asked with PNG and JPEG as they are, in base64 and as
binary tensors, in one batch with what is no image; and steps that are wrong."""
import base64
import json
import os
import shutil
import struct
import subprocess
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

INFER = "/v2/models/digits-image/infer"
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
COUNT = 50


def chunk(kind, data):
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def png(pixels, width=8, height=8):
    """Grey, 8 bits; the pixels may be fewer than the head says."""
    rows = b"".join(b"\0" + bytes(pixels[i:i + width]) for i in range(0, len(pixels), width))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def repository(folder):
    """The example, waiting for company; the bare model; and one whose steps are wrong."""
    models = os.path.join(folder, "models")
    shutil.copytree(os.path.join(stage.ROOT, "examples", "models"), models)
    shutil.copytree(os.path.join(stage.ROOT, "models", "digits"), os.path.join(models, "digits"))
    path = os.path.join(models, "digits-image", "model.properties")
    with open(path, encoding="utf-8") as f:
        text = f.read()
    shutil.copytree(os.path.join(models, "digits-image"), os.path.join(models, "wrong"))
    with open(os.path.join(models, "wrong", "model.properties"), "w", encoding="utf-8") as f:
        f.write(text.replace("resize:8x8", "resize:8"))
    with open(path, "a", encoding="utf-8") as f:
        f.write("max.delay=150ms\n")
    return models


def examples():
    folder = os.path.join(stage.ROOT, "models", "digits", "examples")
    with open(os.path.join(folder, "images.u8"), "rb") as f:
        images = f.read()
    return [images[i * 64:i * 64 + 64] for i in range(COUNT)]


def expected(address, images):
    """What the bare model says, best first."""
    body = {"inputs": [{"name": "pixels", "shape": [COUNT, 64], "datatype": "FP32",
                        "data": [list(image) for image in images]}]}
    code, _, answer = ask.call(address, "POST", "/v2/models/digits/infer", body)
    assert code == 200, answer
    data = answer["outputs"][0]["data"]
    rows = [data[i * 10:i * 10 + 10] for i in range(COUNT)]
    return [sorted(((value, digit) for digit, value in enumerate(row)), reverse=True)[:3]
            for row in rows]


def right(answer, want):
    code, _, got = answer
    assert code == 200, got
    label, score, index = got["outputs"]
    assert (label["name"], label["datatype"], label["shape"]) == ("label", "BYTES", [1, 3]), got
    assert index["data"][0] == want[0][1], (got, want)
    assert label["data"] == [NAMES[i] for i in index["data"]], got
    assert abs(score["data"][0] - want[0][0]) < 0.02, (got, want)


def metadata(address):
    code, _, told = ask.call(address, "GET", "/v2/models/digits-image")
    assert code == 200, told
    assert told["platform"] == "dense", told
    assert told["inputs"] == [{"name": "image", "datatype": "BYTES", "shape": [-1, 1]}], told
    assert [(o["name"], o["datatype"], o["shape"]) for o in told["outputs"]] == [
        ("label", "BYTES", [-1, 3]), ("score", "FP32", [-1, 3]), ("index", "INT32", [-1, 3])], told


def post_image(address, data, kind, **headers):
    return ask.call(address, "POST", INFER, data, {"Content-Type": kind, **headers})


def as_they_are(address, pngs, want):
    for data, best in list(zip(pngs, want))[:3]:
        right(post_image(address, data, "image/png"), best)
    for digit in range(10):
        with open(os.path.join(stage.ROOT, "tests", "support", "images", f"{digit}.jpg"), "rb") as f:
            code, _, got = post_image(address, f.read(), "Image/JPEG")
        assert code == 200 and got["outputs"][0]["data"][0] == NAMES[digit], (digit, got)
    code, headers, _ = post_image(address, pngs[0], "image/png", Prefer="respond-async")
    assert code == 202, code
    _, _, job = ask.call(address, "GET", headers["location"] + "?wait=10")
    assert job["status"] == "succeeded", job
    code, _, problem = post_image(address, b"GIF89a", "image/gif")
    assert code == 400 and problem["code"] == "invalid", problem
    assert "not an image: 6 bytes" in problem["detail"], problem
    code, _, problem = ask.call(address, "POST", "/v2/models/digits/infer", pngs[0],
                                {"Content-Type": "image/png"})
    assert code == 400 and "pixels" in problem["detail"], problem


def body_of(data):
    text = base64.b64encode(data).decode() if isinstance(data, bytes) else data
    return json.dumps({"inputs": [{"name": "image", "shape": [1, 1], "datatype": "BYTES",
                                   "data": [text]}]}).encode()


def one_batch(address, pngs, want):
    """All at once in base64, with broken ones between them: these alone are refused."""
    broken = {7: ("hello", "not an image: 5 bytes"), 19: ("", "the image is empty"),
              28: (pngs[0][:-40], "broken PNG"), 31: (png(b"", 65535, 65535), "at most 32000000"),
              44: ("/9j/" + "A" * 99 + "!", "base64")}
    bodies = [body_of(broken[i][0] if i in broken else data) for i, data in enumerate(pngs)]
    sizes = []
    for i, answer in enumerate(ask.wave(address, INFER, bodies)):
        code, headers, got = answer
        if i not in broken:
            right(answer, want[i])
        else:
            assert code == 400 and got["code"] == "invalid", got
            assert broken[i][1] in got["detail"], (i, got)
        _, _, job = ask.call(address, "GET", "/v1/jobs/" + (headers.get("leat-id") or got["id"]))
        assert job["status"] == ("failed" if i in broken else "succeeded"), job
        sizes.append(job["batch_size"])
    print(f"{len(broken)} of {COUNT} refused, batches of {sorted(set(sizes))}")
    assert max(sizes) > len(broken) * 2, sizes
    assert any(sizes[i] > 1 for i in broken), sizes


def binary(address, images, want):
    """Several images in one request, as binary tensors."""
    data = b"".join(struct.pack("<I", len(image)) + image for image in images)
    head = json.dumps({"inputs": [{"name": "image", "shape": [len(images), 1], "datatype": "BYTES",
                                   "parameters": {"binary_data_size": len(data)}}]}).encode()
    code, _, got = ask.call(address, "POST", INFER, head + data,
                            {"Inference-Header-Content-Length": str(len(head))})
    assert code == 200, got
    assert got["outputs"][2]["data"][::3] == [best[0][1] for best in want], got
    data = struct.pack("<I", len(images[0])) + images[0] + struct.pack("<I", 3) + b"abc"
    head = head.replace(f"[{len(images)}, 1]".encode(), b"[2, 1]")
    head = json.loads(head)
    head["inputs"][0]["parameters"]["binary_data_size"] = len(data)
    head = json.dumps(head).encode()
    code, _, got = ask.call(address, "POST", INFER, head + data,
                            {"Inference-Header-Content-Length": str(len(head))})
    assert code == 400 and "row 1: not an image: 3 bytes" in got["detail"], got


def by_the_tool(s, address, data, best):
    path = os.path.join(s.folder, "digit.png")
    with open(path, "wb") as f:
        f.write(data)
    out = subprocess.run([os.path.join(stage.BIN, "leat"), "infer", f"--address={address}", "digits-image",
                          path], capture_output=True, check=False, timeout=60)
    assert out.returncode == 0, out.stderr
    assert json.loads(out.stdout)["outputs"][0]["data"][0] == NAMES[best[0][1]], out.stdout


def main():
    images = examples()
    pngs = [png([round(value * 255 / 16) for value in image]) for image in images]
    with stage.Stage() as s:
        s.topics("t.", ["digits", "digits-image", "wrong"])
        batcher = s.batcher("t.", repository(s.folder))
        address = s.ingest("t.").ready["http"]
        reason = batcher.wait_log("steps: 'resize:8': expected resize:WIDTHxHEIGHT")
        print(reason[0])
        want = expected(address, images)
        metadata(address)
        as_they_are(address, pngs, want)
        one_batch(address, pngs, want)
        binary(address, pngs[:6], want[:6])
        by_the_tool(s, address, pngs[0], want[0])


main()

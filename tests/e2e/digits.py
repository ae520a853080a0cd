#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The 360 held-out digits: one by one, then on 64 connections; the batches are real and the
answers the same."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "models")
PATH = "/v2/models/digits/infer"


def examples():
    folder = os.path.join(MODELS, "digits", "examples")
    with open(os.path.join(folder, "images.u8"), "rb") as f:
        images = f.read()
    with open(os.path.join(folder, "labels.u8"), "rb") as f:
        labels = list(f.read())
    return [list(images[i * 64:i * 64 + 64]) for i in range(len(labels))], labels


def body_of(image):
    return json.dumps({"inputs": [{"name": "pixels", "shape": [1, 64], "datatype": "FP32",
                                   "data": image}]}).encode()


def main():
    images, labels = examples()
    assert len(images) == 360
    with stage.Stage() as s:
        s.topics("t.", ["digits"])
        s.batcher("t.", MODELS)
        address = s.ingest("t.").ready["http"]
        alone = []
        for image in images:
            code, _, answer = ask.call(address, "POST", PATH, body_of(image))
            assert code == 200, answer
            alone.append(answer["outputs"][0]["data"])
        right = sum(row.index(max(row)) == label for row, label in zip(alone, labels))
        print(f"{right} of {len(labels)} right")
        assert right >= 0.97 * len(labels)

        sizes, together = [], []
        for at in range(0, len(images), 64):
            for code, names, answer in ask.wave(address, PATH,
                                                [body_of(i) for i in images[at:at + 64]]):
                assert code == 200, answer
                together.append(answer["outputs"][0]["data"])
                code, _, job = ask.call(address, "GET", "/v1/jobs/" + names["leat-id"])
                assert code == 200 and job["status"] == "succeeded", job
                sizes.append(job["batch_size"])
        worst = max(abs(a - b) for x, y in zip(alone, together) for a, b in zip(x, y))
        mean = sum(sizes) / len(sizes)
        print(f"mean batch {mean:.1f}, largest {max(sizes)}, worst difference {worst:g}")
        assert worst <= 1e-5
        assert mean > 4


main()

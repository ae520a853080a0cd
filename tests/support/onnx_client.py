# SPDX-License-Identifier: Apache-2.0
"""onnx_client.py ADDRESS MODEL.ONNX FILE...: asks the served `magika` what kind the files are, by
Triton's client in binary and JSON and by plain JSON, and ONNX Runtime's own Python; then `fixed`
for texts. Ends with an error where they differ by more than 1e-5. Needs onnx_packages.py."""
import json
import sys
import urllib.request

import numpy as np
import onnxruntime
import tritonclient.http as triton

BLOCK, PADDING = 1024, 256


def features(path):
    """As magika cuts a file: its first and last block, without white space around."""
    with open(path, "rb") as f:
        data = f.read()
    row = np.full(2 * BLOCK, PADDING, np.int32)
    first, last = data[:4 * BLOCK].lstrip()[:BLOCK], data[-4 * BLOCK:].rstrip()[-BLOCK:]
    row[:len(first)] = list(first)
    row[2 * BLOCK - len(last):] = list(last)
    return row


def asked(rows, binary):
    tensor = triton.InferInput("bytes", list(rows.shape), "INT32")
    tensor.set_data_from_numpy(rows, binary_data=binary)
    return {"inputs": [tensor],
            "outputs": [triton.InferRequestedOutput("target_label", binary_data=binary)]}


def plain(address, rows):
    body = {"inputs": [{"name": "bytes", "datatype": "INT32", "shape": list(rows.shape),
                        "data": rows.flatten().tolist()}]}
    request = urllib.request.Request(f"http://{address}/v2/models/magika/infer",
                                     json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        output = json.load(answer)["outputs"][0]
    return np.array(output["data"], np.float32).reshape(output["shape"])


def check(name, got, wanted):
    worst = float(np.abs(got - wanted).max())
    print(f"{name}: {len(got)} rows, worst difference {worst:g}")
    assert got.shape == wanted.shape and worst <= 1e-5, name


def texts(client):
    """Bytes that are no text, none and many, in a model with a fixed number of rows."""
    words = np.array([[b"\x00\xff", b""], ["größer".encode(), b"x" * 3000],
                      [b"a", b"b"]], dtype=np.object_)
    x = np.arange(9, dtype=np.float32).reshape(3, 3)
    inputs = [triton.InferInput("x", [3, 3], "FP32"), triton.InferInput("s", [3, 2], "BYTES")]
    inputs[0].set_data_from_numpy(x)
    inputs[1].set_data_from_numpy(words)
    answer = client.infer("fixed", inputs)
    assert (answer.as_numpy("y") == 2 * x).all()
    assert (answer.as_numpy("t") == words).all(), answer.as_numpy("t")


def main():
    address, model, *files = sys.argv[1:]
    rows = np.stack([features(f) for f in files])
    own = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    wanted = own.run(None, {"bytes": rows})[0]
    client = triton.InferenceServerClient(address, concurrency=16)
    assert client.is_model_ready("magika")
    for binary in (True, False):
        answers = [client.async_infer("magika", **asked(rows[i:i + 1], binary))
                   for i in range(len(rows))]
        got = np.concatenate([a.get_result().as_numpy("target_label") for a in answers])
        check(f"Triton's client, binary={binary}, one by one", got, wanted)
        got = client.infer("magika", **asked(rows, binary)).as_numpy("target_label")
        check(f"Triton's client, binary={binary}, at once", got, wanted)
    check("plain JSON", plain(address, rows), wanted)
    texts(client)
    client.close()


main()

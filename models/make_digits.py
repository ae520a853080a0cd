# SPDX-License-Identifier: Apache-2.0
"""Makes models/digits: a 64-128-10 network that reads handwritten digits.

Training data are the 1,797 digits of 8x8 pixels, 0..16, that scikit-learn ships (the
test part of the UCI set "Optical Recognition of Handwritten Digits", CC BY 4.0). 1,437
train, 360 are held out, stratified, with a fixed seed. Written are the weights twice
(safetensors for the built-in backend, ONNX for others), the held-out images and labels,
and some request bodies. Needs numpy and scikit-learn; the ONNX file is written by hand
(protobuf fields below) and verified where onnxruntime is installed.

    python3 models/make_digits.py
"""
import json
import pathlib
import struct

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier

SEED = 7
HIDDEN = 128
HELD_OUT = 360
HERE = pathlib.Path(__file__).resolve().parent / "digits"
NAMES = "zero one two three four five six seven eight nine".split()


def train(images, labels):
    """Weights [out][in] and biases of both layers; pixels are taken as 0..16."""
    net = MLPClassifier((HIDDEN,), alpha=1e-3, max_iter=400, random_state=SEED)
    net.fit(images / 16.0, labels)
    (w1, w2), (b1, b2) = net.coefs_, net.intercepts_
    return {
        "fc1.weight": (w1.T / 16.0).astype("<f4"),
        "fc1.bias": b1.astype("<f4"),
        "fc2.weight": w2.T.astype("<f4"),
        "fc2.bias": b2.astype("<f4"),
    }


def probabilities(weights, pixels):
    hidden = np.maximum(pixels @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
    scores = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def safetensors(weights):
    """8 bytes length of the header, the header as JSON padded to 8, the data."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name, values in weights.items():
        raw = np.ascontiguousarray(values).tobytes()
        header[name] = {
            "dtype": "F32",
            "shape": list(values.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


# Protobuf by hand: the few messages of onnx.proto that a plain network needs. The
# numbers are the fields' numbers there.


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def onnx_attribute(name, value):
    return field(1, name) + field(3, value) + field(20, 2)  # AttributeProto, INT


def onnx_node(operator, inputs, output, **attributes):
    return (
        b"".join(field(1, name) for name in inputs)
        + field(2, output)
        + field(3, output)
        + field(4, operator)
        + b"".join(field(5, onnx_attribute(k, v)) for k, v in attributes.items())
    )


def onnx_tensor(name, values):
    dims = b"".join(field(1, size) for size in values.shape)
    raw = np.ascontiguousarray(values).tobytes()
    return dims + field(2, 1) + field(8, name) + field(9, raw)  # 1 = FLOAT


def onnx_value(name, width):
    rows, columns = field(1, field(2, "rows")), field(1, field(1, width))
    tensor = field(1, 1) + field(2, rows + columns)
    return field(1, name) + field(2, field(1, tensor))


def onnx(weights):
    nodes = [
        onnx_node("Gemm", ["pixels", "fc1.weight", "fc1.bias"], "fc1", transB=1),
        onnx_node("Relu", ["fc1"], "relu"),
        onnx_node("Gemm", ["relu", "fc2.weight", "fc2.bias"], "fc2", transB=1),
        onnx_node("Softmax", ["fc2"], "probabilities", axis=1),
    ]
    graph = (
        b"".join(field(1, node) for node in nodes)
        + field(2, "digits")
        + b"".join(field(5, onnx_tensor(k, v)) for k, v in weights.items())
        + field(11, onnx_value("pixels", 64))
        + field(12, onnx_value("probabilities", 10))
    )
    opset = field(1, "") + field(2, 13)
    return field(1, 8) + field(2, "leat") + field(7, graph) + field(8, opset)


def verify_onnx(path, pixels, expected):
    try:
        import onnxruntime
    except ImportError:
        print("onnx: not verified, onnxruntime is not installed")
        return
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {"pixels": pixels})
    difference = float(np.abs(got - expected).max())
    print(f"onnx: differs by at most {difference:.1e} from numpy")
    assert difference < 1e-5


def infer_body(pixels):
    return json.dumps(
        {
            "inputs": [
                {
                    "name": "pixels",
                    "shape": list(pixels.shape),
                    "datatype": "FP32",
                    "data": [int(value) for value in pixels.ravel()],
                }
            ]
        }
    )


def write_examples(folder, pixels, labels):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "images.u8").write_bytes(pixels.astype(np.uint8).tobytes())
    (folder / "labels.u8").write_bytes(labels.astype(np.uint8).tobytes())
    for digit in (0, 3, 7):
        first = int(np.flatnonzero(labels == digit)[0])
        body = infer_body(pixels[first : first + 1])
        (folder / f"{NAMES[digit]}.json").write_text(body + "\n")
    (folder / "four-rows.json").write_text(infer_body(pixels[:4]) + "\n")


def main():
    digits = load_digits()
    images, held, labels, answers = train_test_split(
        digits.data.astype("<f4"),
        digits.target,
        test_size=HELD_OUT,
        stratify=digits.target,
        random_state=SEED,
    )
    weights = train(images, labels)
    expected = probabilities(weights, held)
    right = int((expected.argmax(axis=1) == answers).sum())
    print(f"held out: {right} of {len(held)} right, {100 * right / len(held):.1f} %")
    assert right >= 0.97 * len(held)
    version = HERE / "1"
    version.mkdir(parents=True, exist_ok=True)
    (version / "model.safetensors").write_bytes(safetensors(weights))
    (version / "model.onnx").write_bytes(onnx(weights))
    verify_onnx(str(version / "model.onnx"), held, expected)
    write_examples(HERE / "examples", held, answers)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the .bin files beside it with fastavro, an Avro implementation that shares no
code with ours or with avro-c: the records in single-object encoding, the fingerprint
computed by fastavro. Needed only when a schema changes: pip install fastavro==1.13.1"""
import io
import json
import pathlib
import struct

import fastavro
from fastavro.schema import fingerprint, parse_schema, to_parsing_canonical_form

HERE = pathlib.Path(__file__).parent
SCHEMAS = HERE.parents[3] / "schemas"
ID = "018bcfe5-687b-7abc-8def-0123456789ab"


def make(name, schema_name, record):
    plain = json.loads((SCHEMAS / f"{schema_name}.avsc").read_text())
    out = io.BytesIO()
    out.write(b"\xc3\x01")
    out.write(bytes.fromhex(fingerprint(to_parsing_canonical_form(plain), "CRC-64-AVRO")))
    fastavro.schemaless_writer(out, parse_schema(plain), record)
    (HERE / f"{name}.bin").write_bytes(out.getvalue())


pixels = {"name": "pixels", "datatype": "FP32", "shape": [2, 3],
          "data": struct.pack("<6f", 0, 0.5, 1, -1, 1e-3, 65504)}
words = {"name": "words", "datatype": "BYTES", "shape": [2],
         "data": struct.pack("<I3sI0s", 3, b"abc", 0, b"")}
scalar = {"name": "scale", "datatype": "INT64", "shape": [],
          "data": struct.pack("<q", -2)}

# Only what has no default: fastavro writes the defaults of the schema.
make("request_small", "request", {"id": ID, "model": "digits", "inputs": [scalar]})
make("request_full", "request", {
    "id": ID, "model": "digits", "model_version": "3",
    "inputs": [pixels, words, scalar], "outputs": ["label", "scores"],
    "parameters": {"größe": "€uro", "top_k": -3000000000, "threshold": 0.25, "raw": True},
    "reply_to": {"topic": "answers", "partition": 7}, "route": ["top-k"],
    "webhook": {"url": "https://example.org/hook", "events": ["job.succeeded"]},
    "tenant": "acme", "batch_id": "bulk-1", "priority": 2,
    "submitted_at": 1700000000123456, "deadline": 1700000030123, "attempt": 1})
make("reply_queued", "reply", {"id": ID, "model": "digits", "status": "QUEUED"})
make("reply_full", "reply", {
    "id": ID, "model": "digits", "model_version": "3", "status": "FAILED",
    "outputs": [words], "error": {"code": "model_failed", "message": "ungültig", "stage": "run"},
    "timing": {"submitted": 1, "received": 200, "started": 30000, "completed": 1700000000123456},
    "batch_size": 32, "attempt": 2, "tenant": "acme",
    "webhook": {"url": "https://example.org/hook", "events": []}, "batch_id": "bulk-1",
    "request_offset": {"topic": "leat.requests.digits", "partition": 15, "offset": 1 << 40},
    "request_hash": bytes(range(32))})
make("model_state", "model_state", {
    "model": "digits", "version": "3", "instance": "batcher-0", "state": "READY",
    "platform": "dense",
    "inputs": [{"name": "pixels", "datatype": "FP32", "shape": [-1, 64]}],
    "outputs": [{"name": "scores", "datatype": "FP32", "shape": [-1, 10]},
                {"name": "label", "datatype": "INT64", "shape": [-1]}],
    "max_batch_size": 64, "replicas": 2, "published_at": 1700000000123456,
    "batch_us": 512000, "memory_bytes": 1 << 32, "obeyed_at": 1700000000000001,
    "labels": ["stable", "canary"]})
make("control_cancel", "control", {
    "type": "CANCEL", "id": ID, "model": "digits", "tenant": "acme",
    "issued_at": 1700000000123456})
make("control_load", "control", {"type": "LOAD", "model": "digits", "version": "3"})

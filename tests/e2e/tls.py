#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS on both listeners: requests, held clients that leave, certificates replaced by SIGHUP, and
refusals in words."""
import contextlib
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
INFER = "/v2/models/sim/infer"
BODY = json.dumps({"inputs": [{"name": "data", "shape": [1, 4], "datatype": "UINT8",
                               "data": [1, 2, 3, 4]}]})
SLOW = "/v2/models/slow/infer"


def write_pair(folder, name):
    """A new self-signed pair over the files of this name."""
    certificate, key = (os.path.join(folder, f"{name}.{end}") for end in ("crt", "key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
                   check=True, stderr=subprocess.DEVNULL)
    return certificate, key


def trusting(certificate):
    return ssl.create_default_context(cafile=certificate)


def call(address, context, method, path, body=None):
    host, port = address.rsplit(":", 1)
    with contextlib.closing(http.client.HTTPSConnection(host, int(port), context=context,
                                                        timeout=30)) as connection:
        connection.request(method, path, body=body)
        response = connection.getresponse()
        return response.status, response.read()


def connect(address, context):
    host, port = address.rsplit(":", 1)
    return context.wrap_socket(socket.create_connection((host, int(port)), timeout=30),
                               server_hostname=host)


def serial(address, context):
    with connect(address, context) as s:
        return s.getpeercert()["serialNumber"]


def served(address, admin, context, admin_context):
    code, answer = call(address, context, "POST", INFER, BODY)
    assert code == 200 and json.loads(answer)["outputs"], answer
    code, answer = call(admin, admin_context, "GET", "/readyz")
    assert code == 200, answer
    _, closed = ask.raw(address, b"GET /v2 HTTP/1.1\r\nHost: leat\r\n\r\n")
    assert closed, "somebody in the clear is served"
    for wrong in (ssl.create_default_context(), admin_context):
        try:
            call(address, wrong, "GET", "/v2")
            raise AssertionError("the certificate was taken for another's")
        except ssl.SSLCertVerificationError:
            pass


def tool_speaks_tls(address, certificate):
    def leat(*options):
        return subprocess.run([os.path.join(stage.BIN, "leat"), "infer", "sim", "-",
                               f"--address=https://{address}", *options], input=BODY,
                              capture_output=True, text=True, check=False, timeout=30)
    run = leat(f"--ca={certificate}")
    assert run.returncode == 0 and json.loads(run.stdout)["outputs"], run
    assert leat().returncode != 0, "a certificate of nobody known was believed"


def held_client_leaves(address, admin, context, admin_context):
    """The ingest learns of it by the socket, whatever TLS says."""
    def metric(name):
        _, text = call(admin, admin_context, "GET", "/metrics")
        return sum(float(line.split()[-1]) for line in text.decode().splitlines()
                   if line.startswith(name))
    gone = 'leat_http_answers_total{outcome="client_gone"}'
    before = metric(gone)
    client = connect(address, context)
    client.sendall(f"POST {SLOW} HTTP/1.1\r\nHost: leat\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}"
                   .encode())
    stage.wait_for("the request to be held", lambda: metric("leat_inflight_requests") >= 1)
    client.close()
    stage.wait_for("the client to be missed", lambda: metric(gone) == before + 1)


def certificates_are_replaced(s, ingest, files, context):
    address = ingest.ready["http"]
    first = serial(address, context)
    write_pair(s.folder, "public")
    ingest.process.send_signal(signal.SIGHUP)
    ingest.wait_log("msg=certificate_reloaded", "public.crt")
    assert serial(address, trusting(files[0])) != first
    with open(files[1], "w", encoding="ascii") as key:
        key.write("nonsense")
    ingest.process.send_signal(signal.SIGHUP)
    ingest.wait_log("msg=certificate_kept", "public.crt", "has no private key in PEM")
    assert call(address, trusting(files[0]), "GET", "/v2")[0] == 200


def refused(s, *options):
    run = subprocess.run([os.path.join(stage.BIN, "leat-ingest"), "--http.listen=127.0.0.1:0",
                          f"--kafka.bootstrap.servers={s.brokers}", *options],
                         stderr=subprocess.PIPE, text=True, check=False, timeout=30)
    assert run.returncode == 1, run
    return run.stderr


def main():
    with stage.Stage() as s:
        public, admin = write_pair(s.folder, "public"), write_pair(s.folder, "admin")
        text = refused(s, f"--http.tls.certificate={public[0]}")
        assert "http.tls.certificate is given without http.tls.key" in text, text
        text = refused(s, f"--http.tls.certificate={public[0]}", f"--http.tls.key={admin[1]}")
        assert f"{admin[1]} is not the key of {public[0]}" in text, text

        models = s.models(slow=["sim.alpha=2s", "max.batch.size=1"], sim=[])
        s.topics("t.", ["sim", "slow"])
        s.batcher_begin("t.", models).wait_ready()
        ingest = s.ingest("t.", f"--http.tls.certificate={public[0]}", f"--http.tls.key={public[1]}",
                          "--admin.listen=127.0.0.1:0", f"--admin.tls.certificate={admin[0]}",
                          f"--admin.tls.key={admin[1]}")
        contexts = trusting(public[0]), trusting(admin[0])
        addresses = ingest.ready["http"], ingest.ready["admin"]
        served(*addresses, *contexts)
        tool_speaks_tls(addresses[0], public[0])
        held_client_leaves(*addresses, *contexts)
        certificates_are_replaced(s, ingest, public, contexts[0])
        assert ingest.stop() == 0, ingest.log()
        print("TLS on both listeners")


main()

# SPDX-License-Identifier: Apache-2.0
"""HTTP as a test needs it: one call, or many at once on connections of their own."""
import http.client
import json
import select
import socket


def call(address, method, path, body=None, headers=None, timeout=60):
    """(code, headers, body): the body as parsed JSON where it is JSON."""
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=timeout)
    try:
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        data = response.read()
    finally:
        connection.close()
    names = {key.lower(): value for key, value in response.getheaders()}
    if "json" in names.get("content-type", ""):
        data = json.loads(data)
    return response.status, names, data


def row(values, **more):
    """The body of a request of one row of bytes for a model whose input is `data`."""
    return {"inputs": [{"name": "data", "shape": [1, len(values)], "datatype": "UINT8",
                        "data": list(values)}], **more}


def numbered(n, **more):
    """The same with a row that tells which it is."""
    return row([n % 256, n // 256, 7, 7], **more)


def metric(address, name):
    """The sum of a metric over its labels."""
    _, _, text = call(address, "GET", "/metrics")
    lines = [line.split() for line in text.decode().splitlines()]
    return sum(float(line[-1]) for line in lines
               if line and line[0].split("{")[0] == name)


def raw(address, data, timeout=10):
    """What comes back for these bytes until the server closes or a second passes."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=timeout) as s:
        s.sendall(data)
        s.settimeout(1)
        answer = b""
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    return answer, True
                answer += piece
        except socket.timeout:
            return answer, False


def wave(address, path, bodies):
    """Posts all bodies at once, each on its own connection; (code, headers, JSON) each."""
    host, port = address.rsplit(":", 1)
    sockets = [socket.create_connection((host, int(port)), timeout=60) for _ in bodies]
    requests = [(f"POST {path} HTTP/1.1\r\nHost: leat\r\nContent-Length: {len(b)}\r\n"
                 "Connection: close\r\n\r\n").encode() + b for b in bodies]
    for s, request in zip(sockets, requests):
        s.sendall(request)
    answers = {s: b"" for s in sockets}
    open_ones = set(sockets)
    while open_ones:
        ready, _, _ = select.select(list(open_ones), [], [], 60)
        if not ready:
            raise TimeoutError(f"{len(open_ones)} of {len(bodies)} are not answered")
        for s in ready:
            piece = s.recv(65536)
            answers[s] += piece
            if not piece:
                open_ones.remove(s)
                s.close()
    return [_parse(answers[s]) for s in sockets]


def _parse(answer):
    head, body = answer.split(b"\r\n\r\n", 1)
    lines = head.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:])
    return int(lines[0].split()[1]), {k.lower(): v for k, v in headers.items()}, json.loads(body)

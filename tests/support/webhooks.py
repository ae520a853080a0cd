# SPDX-License-Identifier: Apache-2.0
"""What tests of webhooks share: files of secrets, receivers, jobs with a webhook, and how
deliveries stand by GET /v1/webhooks."""
import base64
import http.client
import http.server
import json
import os
import queue
import threading
import time

import ask
import stage

ROW = [1, 2, 3, 4]


class Receiver:
    """Puts what comes into `calls`; answers what decide(id) says, else the codes it was given,
    then 200. A code may be (code, {header: value})."""

    def __init__(self, *codes, decide=None):
        self.calls = queue.Queue()
        codes = list(codes)
        calls = self.calls

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {k.lower(): v for k, v in self.headers.items()}
                answer = decide(headers["webhook-id"]) if decide else \
                    codes.pop(0) if codes else 200
                code, more = answer if isinstance(answer, tuple) else (answer, {})
                calls.put((headers, body, code, time.time()))
                self.send_response(code)
                for name, value in {"Content-Length": "0", **more}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook?a=b"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def taken(self):
        """All calls so far."""
        found = []
        while not self.calls.empty():
            found.append(self.calls.get())
        return found


def secret_file(folder, *keys):
    """A file of whsec_ lines of these keys, given as bytes."""
    path = os.path.join(folder, "webhook-secrets")
    with open(path, "w", encoding="ascii") as f:
        for key in keys:
            f.write(secret(key) + "\n")
    os.chmod(path, 0o600)
    return path


def secret(key):
    return "whsec_" + base64.b64encode(key).decode()


def job(url, row=None, events=None):
    webhook = {"url": url, **({"events": events} if events else {})}
    return ask.row(row or ROW, model="sim", webhook=webhook)


def submit(address, url, row=None, events=None):
    code, _, got = ask.call(address, "POST", "/v1/jobs", job(url, row, events))
    assert code == 202, got
    return got["id"]


def submit_many(address, url, count, threads=8, every_s=0):
    """So many jobs, over a few kept connections; their ids."""
    host, port = address.rsplit(":", 1)
    body, ids, lock = json.dumps(job(url)), [], threading.Lock()
    left = iter(range(count))

    def work():
        connection = http.client.HTTPConnection(host, int(port), timeout=60)
        while True:
            with lock:
                if next(left, None) is None:
                    return
            connection.request("POST", "/v1/jobs", body=body)
            response = connection.getresponse()
            got = json.loads(response.read())
            while response.status in (429, 503):
                time.sleep(0.05)
                connection.request("POST", "/v1/jobs", body=body)
                response = connection.getresponse()
                got = json.loads(response.read())
            assert response.status == 202, got
            with lock:
                ids.append(got["id"])
            if every_s:
                time.sleep(every_s)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert len(ids) == count, f"{len(ids)} of {count} were accepted"
    return ids


def listed(address, state=""):
    """id -> delivery, over all pages; waits while some are between two owners."""
    found, begin = {}, ""
    end = time.monotonic() + 60
    while True:
        code, _, got = ask.call(address, "GET", f"/v1/webhooks?limit=1000&state={state}{begin}")
        if code == 503 and time.monotonic() < end:
            time.sleep(0.1)
            continue
        assert code == 200, got
        found.update({w["id"]: w for w in got["webhooks"]})
        if "next" not in got:
            return found
        begin = "&from=" + got["next"]


def settled(address, ids, seconds=120):
    """id -> delivery, once none of these is pending."""
    ids = set(ids)

    def ended():
        found = {i: w for i, w in listed(address).items()
                 if i in ids and w["state"] != "pending"}
        return found if len(found) == len(ids) else None

    return stage.wait_for(f"the end of {len(ids)} deliveries", ended, seconds)

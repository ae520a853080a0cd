# SPDX-License-Identifier: Apache-2.0
"""Takes webhooks on a loopback port, in a thread with a loop of its own, and keeps what came."""
import asyncio
import json
import threading


class Receiver:
    def __init__(self):
        self.calls = []  # (webhook-id, body as JSON), in the order of arrival
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        threading.Thread(target=self._run, daemon=True).start()
        self._ready.wait()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            asyncio.start_server(self._serve, "127.0.0.1", 0))
        port = server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/hook"
        self._ready.set()
        self._loop.run_forever()

    async def _serve(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                names = dict(line.lower().split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(names["content-length"]))
                self.calls.append((names["webhook-id"], json.loads(body)))
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        except (OSError, asyncio.IncompleteReadError):
            writer.close()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)

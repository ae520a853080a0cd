# SPDX-License-Identifier: Apache-2.0
"""Spellings of addresses that a webhook must never reach, all of which would lead to a sentinel
on this machine if any did, and the sentinel."""
import contextlib
import socket
import subprocess
import threading

HOSTS = """
127.0.0.1 127.1 127.0.1 2130706433 0x7f.1 0x7f000001 0x7f.0.0.1 0177.0.0.1 017700000001 0177.1
127.0.0.1. localhost LOCALHOST localhost. foo.localhost 127.255.255.254
0 0.0.0.0 0x0 00000
[::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:127.0.0.1]
[::ffff:0.0.0.0] [::127.0.0.1] [::7f00:1] [64:ff9b::127.0.0.1] [64:ff9b::7f00:1]
[64:ff9b:1::7f00:1] [2002:7f00:1::] [2002:7f00:1::1] [2001:0:7f00:1::] [fe80::1%25lo] [fe80::1]
%31%32%37%2e%30%2e%30%2e%31 127.0.0.1%2e 127%2e1
\u2460\u2461\u2466.\u24ea.\u24ea.\u2460 127\u30020\u30020\u30021 \uff11\uff12\uff17.0.0.1
169.254.169.254 [::ffff:169.254.169.254] [fd00:ec2::254] 2852039166 0xa9fea9fe 100.100.100.200
168.63.129.16 192.0.0.192 10.0.0.1 172.16.0.1 192.168.0.1 100.64.0.1 198.18.0.1 224.0.0.1
255.255.255.255 240.0.0.1 [fc00::1] [ff02::1] [fec0::1] [100::1]
""".split()

FORMS = ("http://127.0.0.1@127.0.0.1:{port}/", "http://example.com@127.0.0.1:{port}/",
         "http://example.com:80@127.0.0.1:{port}/", "http://127.0.0.1:{port}/#@example.com",
         "http://127.0.0.1:{port}#example.com", "http://127.0.0.1:{port}\\@example.com/",
         "http:\\\\127.0.0.1:{port}/", "http:127.0.0.1:{port}/", "http:///127.0.0.1:{port}/",
         "//127.0.0.1:{port}/", "127.0.0.1:{port}/", "HTTP://127.0.0.1:{port}/",
         "hTTps://127.0.0.1:{port}/", "http://127.0.0.1\t:{port}/", " http://127.0.0.1:{port}/",
         "http://127.0.0.1:{port}/\r\nHost: a", "file:///etc/passwd", "gopher://127.0.0.1:{port}/_x",
         "dict://127.0.0.1:{port}/x", "ftp://127.0.0.1:{port}/", "telnet://127.0.0.1:{port}/",
         "ldap://127.0.0.1:{port}/", "unix:/var/run/docker.sock", "http://[::1", "http://", "http:")


def own_addresses():
    """Those of this machine's interfaces: as private as loopback, whatever their range."""
    found = subprocess.run(["hostname", "-I"], stdout=subprocess.PIPE, text=True, check=False)
    return [f"[{a}]" if ":" in a else a for a in found.stdout.split()]


def urls(port):
    hosts = [*HOSTS, *own_addresses(), socket.gethostname()]
    return [f"http://{host}:{port}/hook" for host in hosts] + \
        [f"https://{host}:{port}/" for host in hosts[:4]] + [f.format(port=port) for f in FORMS]


class Sentinel:
    """Counts whoever connects, on every address of this machine."""

    def __init__(self):
        self.hits = []
        self._sockets = []
        first = self._listen(socket.AF_INET, "0.0.0.0", 0)
        self.port = first.getsockname()[1]
        if socket.has_ipv6:
            with contextlib.suppress(OSError):
                self._listen(socket.AF_INET6, "::", self.port)
        with socket.create_connection(("127.0.0.1", self.port)):
            pass
        while not self.hits:  # it does count
            pass
        self.hits.clear()

    def _listen(self, family, address, port):
        s = socket.socket(family, socket.SOCK_STREAM)
        if family == socket.AF_INET6:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        s.bind((address, port))
        s.listen(128)
        self._sockets.append(s)
        threading.Thread(target=self._accept, args=(s,), daemon=True).start()
        return s

    def _accept(self, s):
        while True:
            with contextlib.suppress(OSError):
                connection, peer = s.accept()
                self.hits.append(peer)
                connection.close()

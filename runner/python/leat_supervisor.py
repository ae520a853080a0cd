# SPDX-License-Identifier: Apache-2.0
"""The process the batcher started: one child per loaded instance, and what they print.

An instance is a process of its own, so that no interpreter lock is between two of them.
This one imports neither NumPy nor a model and has one thread, so it can fork at any time.
It reads control messages; the children send their own on the same socket. The batcher
knows one process per model: if a child dies, this one ends in the same way, and the kernel
kills the other children with it.
"""
import fcntl
import mmap
import os
import resource
import select
import signal
import socket
import stat
import sys
import traceback

import leat_control
import leat_log

EXIT_USAGE = 2
EXIT_SOFTWARE = 70
INSTANCE_MAX = 2**32 - 1
USAGE = """leat_runner.py holds Python models for leat-batcher, which starts it with a
SOCK_SEQPACKET socket named in LEAT_RUNNER_FD (docs/runner-protocol.md). It is not started by
hand; docs/python.md tells how to serve a class.
"""


class Flags:
    """Two bytes shared by the supervisor and one child."""

    def __init__(self):
        self._bytes = mmap.mmap(-1, mmap.PAGESIZE)

    @property
    def stopping(self):
        """Set by the supervisor: run what is FILLED, then end."""
        return self._bytes[0] != 0

    def stop(self):
        self._bytes[0] = 1

    @property
    def ended(self):
        """Set by the child: it ends because it was told to, or could not load."""
        return self._bytes[1] != 0

    def end(self):
        self._bytes[1] = 1


class Child:
    """The process of one instance, seen from the supervisor."""

    def __init__(self, instance, submit):
        self.instance = instance
        self.submit = submit  # eventfd
        self.flags = Flags()
        self.pid = 0
        self.pidfd = -1
        self.pipes = {}  # descriptor: leat_log.Reader

    def stop(self):
        """Run what is FILLED, then end: the flag, and then the ring that wakes it."""
        self.flags.stop()
        os.write(self.submit, (1).to_bytes(8, sys.byteorder))

    def close(self):
        for fd in [self.submit, self.pidfd, *self.pipes]:
            os.close(fd)


def _become_instance(control, fields, fds, flags, outputs):
    """In the child, for the rest of its life."""
    for number, fd in enumerate([os.open(os.devnull, os.O_RDONLY), *outputs]):
        os.dup2(fd, number)
        os.close(fd)
    threads = fields.get("property.python.threads")
    if threads:
        for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
            os.environ[name] = threads
    try:
        import leat_instance  # NumPy comes with it, and its threads
    except ImportError as error:
        flags.end()
        leat_control.send(control, "failed", ("instance", fields["instance"]),
                          ("reason", error))
        os._exit(0)
    leat_instance.main(control, fields, fds, flags)


class Supervisor:
    """The loop over control messages, ends of children and what they print."""

    def __init__(self, control):
        self.control = control
        self.children = {}  # instance: Child
        self.stopping = False
        self.poller = select.poll()
        self.handlers = {}
        self._watch(control.fileno(), self._on_control)

    def run(self):
        leat_control.send(self.control, "hello", ("version", 1), ("pid", os.getpid()),
                          ("backends", "python"))
        while not (self.stopping and not self.children):
            for fd, _ in self.poller.poll():
                handler = self.handlers.get(fd)
                if handler:
                    handler()

    def _watch(self, fd, handler):
        self.handlers[fd] = handler
        self.poller.register(fd, select.POLLIN)

    def _unwatch(self, fd):
        if self.handlers.pop(fd, None):
            self.poller.unregister(fd)

    def _on_control(self):
        try:
            packet, fds, _, _ = socket.recv_fds(self.control, leat_control.PACKET_BYTES, 3,
                                                socket.MSG_CMSG_CLOEXEC)
        except ConnectionResetError:  # it left something of ours unread
            packet = b""
        if not packet:
            os._exit(1)  # the batcher died
        fields = leat_control.parse(packet)
        kind = fields.get("type")
        if kind == "load":
            self._load(fields, fds)
            return
        for fd in fds:
            os.close(fd)
        if kind == "unload":
            self._unload(fields)
        elif kind == "stop":
            self.stopping = True
            for child in self.children.values():
                child.stop()

    def _unload(self, fields):
        instance = leat_control.number(fields, "instance", 0, INSTANCE_MAX)
        if instance in self.children:
            self.children[instance].stop()
        else:
            leat_control.send(self.control, "unloaded", ("instance", instance))

    def _load(self, fields, fds):
        reason = None
        if len(fds) != 3:
            reason = "a load needs slot_bytes and three descriptors"
        elif fields.get("platform") != "python":
            reason = f"platform={fields.get('platform')}: this runner has python"
        instance = leat_control.number(fields, "instance", 0, INSTANCE_MAX)
        child = self.children.get(instance)
        if child and child.flags.ended:
            self._on_end(child, 0)  # it has said its last word, and is about to be gone
        elif child:
            reason = "an instance of this number is loaded"
        if reason:
            for fd in fds:
                os.close(fd)
            leat_control.send(self.control, "failed", ("instance", instance),
                              ("reason", reason))
            return
        self._fork(instance, fields, fds)

    def _fork(self, instance, fields, fds):
        child = Child(instance, fds[1])
        out, err = os.pipe(), os.pipe()
        parent = os.getpid()
        child.pid = os.fork()
        if child.pid == 0:
            try:
                _die_with_parent(parent)
                for other in self.children.values():
                    other.close()
                os.close(out[0])
                os.close(err[0])
                _become_instance(self.control, fields, fds, child.flags, (out[1], err[1]))
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(EXIT_SOFTWARE)  # the loop below is the supervisor's
        for fd in (out[1], err[1], fds[0], fds[2]):
            os.close(fd)
        child.pidfd = os.pidfd_open(child.pid)
        for fd, level in ((out[0], "info"), (err[0], "warn")):
            os.set_blocking(fd, False)
            child.pipes[fd] = leat_log.Reader(self.control, fd, level, instance)
            self._watch(fd, lambda fd=fd: self._on_print(child, fd))
        self._watch(child.pidfd, lambda: self._on_end(child, os.WNOHANG))
        self.children[instance] = child

    def _on_print(self, child, fd):
        if not child.pipes[fd].read():
            self._unwatch(fd)

    def _on_end(self, child, flags):
        end = os.waitid(os.P_PIDFD, child.pidfd, os.WEXITED | flags)
        if end is None:
            return  # the descriptor was another's when it was heard
        for fd, pipe in child.pipes.items():
            self._unwatch(fd)
            pipe.close()
        self._unwatch(child.pidfd)
        del self.children[child.instance]
        child.close()
        if not child.flags.ended:
            _end_as(end)


def _die_with_parent(parent):
    import ctypes

    set_parent_death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)  # it died before that


def _end_as(end):
    """Ends this process as a child ended, so that the batcher reads its cause."""
    if end.si_code == os.CLD_EXITED:
        os._exit(end.si_status or 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if end.si_status not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(end.si_status, signal.SIG_DFL)
    os.kill(os.getpid(), end.si_status)
    os._exit(1)


def _control_socket():
    """The inherited socket, or None if there is none."""
    try:
        fd = int(os.environ.get("LEAT_RUNNER_FD", ""))
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            return None
        control = socket.socket(fileno=fd)
        del os.environ["LEAT_RUNNER_FD"]
        fcntl.fcntl(fd, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
    except (ValueError, OSError):
        return None
    return control if control.type == socket.SOCK_SEQPACKET else None


def main():
    control = _control_socket()
    if control is None:
        sys.stderr.write(USAGE)
        return EXIT_USAGE
    # Both reach the whole group of processes; the batcher answers them by draining.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Supervisor(control).run()
    return 0

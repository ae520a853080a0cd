# SPDX-License-Identifier: Apache-2.0
"""What an end-to-end test or a benchmark stands on: a Kafka of its own, Leat's programs, their CPU time.

Every process is started on ports of the kernel's choice and exactly those are ended.
"""
import concurrent.futures
import itertools
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("LEAT_BIN", os.path.join(ROOT, "build", "bin"))
# The Python that has Debian's NumPy, whichever runs the tests.
PYTHON = os.environ.get("LEAT_PYTHON", "/usr/bin/python3")
TICKS = os.sysconf("SC_CLK_TCK")
# How long a test waits for what must come: a busy machine may take its time.
PATIENCE_S = 60


def wait_for(what, done, seconds=PATIENCE_S):
    """Until done() is true; what it gave."""
    end = time.monotonic() + seconds
    while True:
        found = done()
        if found:
            return found
        assert time.monotonic() < end, f"{what}: not in {seconds} s"
        time.sleep(0.1)


def side_by_side(*parts):
    """Runs these at once, each a function and its arguments, to the end of all of them."""
    with concurrent.futures.ThreadPoolExecutor(len(parts)) as pool:
        for running in [pool.submit(*part) for part in parts]:
            running.result()


class CannotRun(Exception):
    """Something this machine lacks; said in words."""


def _children(pid):
    found = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
            for child in f.read().split():
                found += _children(int(child))
    return found


def cpu_seconds(pid):
    """CPU time of a process and of its children now alive."""
    total = 0
    for each in _children(pid):
        with open(f"/proc/{each}/stat", encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def _children_cpu():
    """CPU seconds of the children that have ended and were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Process:
    """A program of ours with its log; `ready` holds the fields of its ready line."""

    def __init__(self, stage, name, arguments):
        self.name = name
        self.log_path = os.path.join(stage.folder, f"{name}-{next(stage.numbers)}.log")
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(arguments, stdout=log, stderr=log,
                                            cwd=stage.folder)
        stage.processes.append(self)
        self.ready = {}

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def wait_ready(self, pattern=r" msg=ready( |$)", seconds=PATIENCE_S):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.log().splitlines():
                if re.search(pattern, line):
                    self.ready = dict(f.split("=", 1) for f in line.split() if "=" in f)
                    return self
            if self.process.poll() is not None:
                raise CannotRun(f"{self.name} ended: {self.log()[-2000:]}")
            time.sleep(0.02)
        raise CannotRun(f"{self.name} is not ready in {seconds} s: {self.log()[-2000:]}")

    def wait_log(self, *words, times=1, seconds=PATIENCE_S):
        """Until so many lines of the log hold all the words; the lines."""
        end = time.monotonic() + seconds
        while True:
            found = [line for line in self.log().splitlines()
                     if all(word in line for word in words)]
            if len(found) >= times:
                return found
            assert time.monotonic() < end, \
                f"{self.name}: no {words} in {seconds} s:\n{self.log()[-4000:]}"
            time.sleep(0.05)

    def partitions_owned(self):
        """By the log of a batcher of one model: how many partitions it was given last."""
        changes = re.findall(r" msg=(assigned|revoked) .*?count=(\d+)", self.log())
        return int(changes[-1][1]) if changes and changes[-1][0] == "assigned" else 0

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=PATIENCE_S):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return -9


class Background:
    """A program that runs beside the test and prints one line of JSON at its end."""

    def __init__(self, process):
        self.process = process

    def result(self, seconds=180):
        out, _ = self.process.communicate(timeout=seconds)
        return json.loads(out.strip().splitlines()[-1])


class Stage:
    """One Kafka with topics below a prefix, and the processes of a scenario."""

    def __init__(self, *profile, brokers=1, kafka=True):
        self.profile = profile  # flags of kafka-up, such as --bench
        self.count = brokers
        self.has_kafka = kafka

    def __enter__(self):
        for program in ("leat", "leat-ingest", "leat-batcher", "leat-runner", "bench-load",
                        "bench-feed", "bench-bare", "bench-handover", "bench-two_hop",
                        "bench-simulate"):
            if not os.path.exists(os.path.join(BIN, program)):
                raise CannotRun(f"{program} is not built; ./check or ./demo builds it")
        self.folder = tempfile.mkdtemp(prefix="leat-bench-")
        self.processes = []
        self.numbers = itertools.count()
        self.kafka = os.path.join(self.folder, "kafka")
        support = os.path.join(ROOT, "tests", "support")
        self._down = os.path.join(support, "kafka-down")
        self._up = os.path.join(support, "kafka-up")
        if self.has_kafka:
            self.kafka_up()
        return self

    def kafka_up(self, *flags):
        up = subprocess.run([self._up, *self.profile, *flags, self.kafka, str(self.count)],
                            stdout=subprocess.PIPE, text=True, check=False)
        if up.returncode != 0:
            raise CannotRun("Kafka did not start")
        self.brokers = up.stdout.strip().splitlines()[-1]

    def kafka_kill(self):
        """Its data is of no use any more."""
        subprocess.run([self._down, "--kill", self.kafka], check=False,
                       stdout=subprocess.DEVNULL)

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.stop()
        if self.has_kafka:
            self.kafka_kill()
        if os.environ.get("LEAT_KEEP") is None:
            shutil.rmtree(self.folder, ignore_errors=True)
        else:
            print(f"logs are in {self.folder}")

    def broker_pid(self):
        for root, _, files in os.walk(self.kafka):
            for name in files:
                if name == "pid":
                    with open(os.path.join(root, name), encoding="ascii") as f:
                        return int(f.read())
        raise CannotRun("no pid file of the broker")

    def topics(self, prefix, models, partitions=16, options=()):
        run = subprocess.run(
            [os.path.join(BIN, "leat"), "topics", "create", *models,
             f"--kafka.bootstrap.servers={self.brokers}", f"--topics.prefix={prefix}",
             f"--topics.requests.partitions={partitions}",
             f"--topics.replies.partitions={partitions}", *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        if run.returncode != 0:
            raise CannotRun(f"leat topics create: {run.stdout}")

    def _common(self, prefix):
        return [f"--kafka.bootstrap.servers={self.brokers}", f"--topics.prefix={prefix}",
                "--log.format=logfmt"]

    def ingest(self, prefix, *options):
        """Unless it is measured, or told otherwise, it has time to store a request: a fresh
        broker on a busy machine takes longer than the default at first, which is a 503."""
        accept = "--admission.accept.timeout="
        if "--bench" not in self.profile and not any(o.startswith(accept) for o in options):
            options = (*options, accept + "10s")
        store = tempfile.mkdtemp(prefix="results-", dir=self.folder)
        return Process(self, "ingest", [
            os.path.join(BIN, "leat-ingest"), *self._common(prefix),
            "--http.listen=127.0.0.1:0", f"--results.store={store}",
            *options]).wait_ready()

    def models(self, **properties):
        """A repository of sim models, each with these lines and one UINT8 input."""
        folder = tempfile.mkdtemp(prefix="models-", dir=self.folder)
        for name, lines in properties.items():
            os.makedirs(os.path.join(folder, name, "1"))
            with open(os.path.join(folder, name, "model.properties"), "w",
                      encoding="ascii") as f:
                f.write("platform=sim\ninput.0=data UINT8 -1,-1\n" + "\n".join(lines) + "\n")
        return folder

    def batcher(self, prefix, models, *options):
        return self.batcher_begin(prefix, models, *options).wait_ready()

    def batcher_begin(self, prefix, models, *options):
        """One that need not be ready yet."""
        return Process(self, "batcher", [
            os.path.join(BIN, "leat-batcher"), *self._common(prefix),
            f"--models={models}", *options])

    def balanced(self, batchers, partitions=16, seconds=PATIENCE_S):
        """Waits until these batchers own all partitions of their model, none of them none."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            owned = [b.partitions_owned() for b in batchers]
            if all(owned) and sum(owned) == partitions:
                return
            time.sleep(0.05)
        raise CannotRun(f"the batchers own {owned} of {partitions} partitions")

    def program(self, name, *arguments):
        """Runs a bench program to its end and returns its line of JSON."""
        run = subprocess.run([os.path.join(BIN, name), *map(str, arguments)],
                             stdout=subprocess.PIPE, text=True, check=False, timeout=600)
        lines = run.stdout.strip().splitlines()
        if not lines:
            raise CannotRun(f"{name} said nothing (status {run.returncode})")
        return json.loads(lines[-1])

    def background(self, name, *arguments):
        """Starts a bench program; .result() waits for it and gives its line of JSON."""
        return Background(subprocess.Popen([os.path.join(BIN, name), *map(str, arguments)],
                                           stdout=subprocess.PIPE, text=True))

    def records(self, topic, form="%k"):
        """Every record of a topic, each as kcat prints it."""
        run = subprocess.run(["kcat", "-b", self.brokers, "-C", "-t", topic, "-e", "-q",
                              "-o", "beginning", "-f", form + "\\n"],
                             stdout=subprocess.PIPE, check=True, timeout=60)
        return run.stdout.decode("utf-8", "replace").splitlines()

    def load(self, address, *options):
        return self.program("bench-load", f"--address={address}", *options)

    def feed_options(self, prefix, model, *options):
        return [f"--brokers={self.brokers}", f"--prefix={prefix}", f"--model={model}", *options]

    def feed(self, prefix, model, *options):
        """Load straight into Kafka; the line of JSON of bench-feed."""
        return self.program("bench-feed", *self.feed_options(prefix, model, *options))

    def feed_begin(self, prefix, model, *options):
        """The same beside the test: returns as it begins; feed_end() waits for its result."""
        return Process(self, "feed", [
            os.path.join(BIN, "bench-feed"), "--announce=true",
            *self.feed_options(prefix, model, *options)]).wait_ready("feed begins")

    @staticmethod
    def feed_end(feed, seconds=180):
        feed.process.wait(seconds)
        return json.loads(feed.log().strip().splitlines()[-1])

    def two_hop(self, rate, seconds, linger, partitions=16, size=1024, outstanding=1):
        """The bare round trip: an echo of its own, then the client."""
        out, back = "bare.requests.x", "bare.replies"
        echo = Process(self, "echo", [
            os.path.join(BIN, "bench-two_hop"), "echo", self.brokers, out, back,
            str(linger), str(partitions)]).wait_ready("echo ready")
        begin, before = cpu_seconds(echo.pid), _children_cpu()
        try:
            result = self.program("bench-two_hop", "client", self.brokers, out, back, linger,
                                  partitions, rate, seconds, size, outstanding)
            result["cpu"] = cpu_seconds(echo.pid) - begin + _children_cpu() - before
            return result
        finally:
            echo.stop()

    def bare_topics(self, partitions=16):
        """leat.requests.<m> and leat.replies under a prefix of their own serve the bare."""
        self.topics("bare.", ["x"], partitions)

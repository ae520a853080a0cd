# SPDX-License-Identifier: Apache-2.0
"""The process of one instance: loads the class, warms it up, answers batches until the end.

One batch at a time, in one thread: what the class does is never called twice at once.
"""
import faulthandler
import gc
import os
import resource
import sys
import time
import traceback

import leat_control
import leat_log

EXIT_DEVICE_LOST = 75
EXIT_MEMORY = 1
SWEEP_NS = 2_000_000_000
CHEAP_NS = 50_000_000
RUNS_MAX = 3

try:
    import numpy  # noqa: F401
except ImportError as missing:
    raise ImportError(f"this Python ({sys.executable}) has no NumPy ({missing}): install "
                      "python3-numpy, or name another Python by python.command") from missing

import leat_runner
import leat_sample
import leat_slab
from leat_batch import Batch, WrongReturn, WrongSlot, write_tensors
from leat_model import Model, describe


class LoadFailed(Exception):
    """The reason, in words."""

    def __init__(self, reason, no_memory=False):
        super().__init__(reason)
        self.no_memory = no_memory  # of the device: others may leave it


class Instance:
    """The model, its slab, and what it says."""

    def __init__(self, control, fields, fds, flags):
        self.control = control
        self.flags = flags
        self.number = leat_control.number(fields, "instance", 0, 2**32 - 1)
        context = leat_runner.context
        context.model = fields.get("model", "")
        context.version = fields.get("version", "")
        context.directory = fields.get("dir", ".")
        context.device = fields.get("device", "cpu")
        context.instance = self.number
        context.max_batch_size = leat_control.number(fields, "max_batch_size", 0,
                                                     leat_slab.ROWS_MAX)
        context.properties = {key[len("property."):]: value for key, value in fields.items()
                              if key.startswith("property.")}
        self.context = context
        self.memory_max = _bytes_of(context.properties, "python.memory.max")
        self.held = 0  # bytes of its device
        self.slab = leat_slab.Slab(
            leat_control.number(fields, "slot_bytes", leat_slab.DATA + leat_slab.ALIGN, 2**36),
            fds)
        self.model = None
        self.samples = None
        self.failures = {}  # of the last batch, by row

    def load(self):
        if "steps" in self.context.properties:
            raise LoadFailed("steps= is for the models of leat-runner: what is done before and "
                             "behind a class, it does in preprocess and postprocess")
        os.chdir(self.context.directory)
        self.model = Model(self.context)
        costs = self._warm_up()
        if self.memory_max and _memory_used() > self.memory_max:
            raise LoadFailed(f"it uses {_memory_used()} bytes when loaded, over "
                             f"python.memory.max={self.memory_max}")
        self.held = self.model.device_memory()
        gc.collect()
        gc.freeze()  # what is loaded stays: no collection need walk it again
        return costs

    def say_loaded(self, costs):
        specs = self.model.specs
        leat_control.send(self.control, "loaded", ("instance", self.number),
                          ("platform", "python"),
                          *(("input", spec) for spec in specs.inputs),
                          *(("output", spec) for spec in specs.outputs),
                          *(("cost", f"{rows} 0 {run_ns}") for rows, run_ns in costs),
                          *(("memory", held) for held in [self.held] if held))

    def say(self, kind, *pairs):
        leat_control.send(self.control, kind, ("instance", self.number), *pairs)

    def serve(self):
        """Runs what is FILLED until told to stop."""
        slab = self.slab
        while True:
            # Read before the look at the slots: what was filled before the stop is run.
            last = self.flags.stopping
            slot = slab.take()
            if slot is None:
                if last:
                    return
                slab.wait()
                continue
            outcome = self._run(slot)
            slab.give(slot, outcome)
            if outcome == leat_slab.DEVICE_LOST:
                _exit(EXIT_DEVICE_LOST)
            if self.memory_max:
                self._check_memory()

    def _run(self, slot):
        """A batch from its inputs to its outputs; the outcome."""
        taken_ns = slot.times()[0]
        slot.set_time(leat_slab.PREPARED, taken_ns)
        slot.set_time(leat_slab.STARTED, time.monotonic_ns())
        failures = self.failures = {}
        try:
            batch = Batch(slot, self.model.specs)
            outputs, alive = self.model.answer(batch.inputs, batch.rows, failures)
            if alive is not None and not alive:
                batch.put_zeros()
            else:
                batch.put(outputs, alive)
            if failures:
                slot.fail_rows(failures, batch.rows, batch.at)
            outcome, error = leat_slab.SUCCEEDED, _common_text(failures)
        except (Exception, SystemExit) as failure:  # of the model: told, never fatal
            outcome, error = _judge(failure)
        if error:
            slot.set_error(error)
        slot.set_time(leat_slab.COMPLETED, time.monotonic_ns())
        return outcome

    def _check_memory(self):
        """Over its bound the process ends between two batches, which costs nobody an answer."""
        used = _memory_used()
        if used > self.memory_max:
            leat_log.write("w", f"uses {used} bytes, over python.memory.max="
                                f"{self.memory_max}: starts anew")
            _exit(EXIT_MEMORY)

    # The warm-up: as runner/warm_up.h has it, over the same slots that batches come in.

    def _fill(self, slot, rows):
        """Writes a sample as the batcher writes a batch."""
        specs = self.model.specs
        end = write_tensors(slot, leat_slab.INPUTS, leat_slab.DATA, specs.inputs,
                            self.samples.batch(rows))
        slot.set_parent_part(rows, len(specs.inputs), end)

    def _run_sample(self, slot, rows):
        self._fill(slot, rows)
        slot.set_time(leat_slab.TAKEN, time.monotonic_ns())
        outcome = self._run(slot)
        if outcome != leat_slab.SUCCEEDED:
            raise LoadFailed(f"warm-up with {rows} rows: {slot.error()}",
                             outcome == leat_slab.OUT_OF_MEMORY)
        if self.failures and self.samples.file_key:
            message, _ = next(iter(self.failures.values()))
            raise LoadFailed(f"{self.samples.file_key}: the model does not answer this row: "
                             f"{message}")
        _, _, started_ns, completed_ns = slot.times()
        return completed_ns - started_ns

    def _sizes(self):
        most = self.context.max_batch_size or 1
        buckets = self.context.properties.get("batch.buckets")
        sizes = [int(b) for b in buckets.split(",")] if buckets else [
            2**i for i in range(most.bit_length())]
        return [size for size in sizes if size < most] + [most]

    def _measure(self, rows):
        slot = self.slab.slots[0]
        until_ns = time.monotonic_ns() + CHEAP_NS
        best_ns = self._run_sample(slot, rows)
        for _ in range(RUNS_MAX - 1):
            if time.monotonic_ns() >= until_ns:
                break
            best_ns = min(best_ns, self._run_sample(slot, rows))
        return best_ns

    def _run_size(self, rows, runs):
        """As often as the model says; the first one counts only if it is the only one."""
        times = []
        for run in range(runs):
            if self.flags.stopping:
                break
            slot = self.slab.slots[run % len(self.slab.slots)]
            times.append(self._run_sample(slot, rows))
        return min(times[1:] or times, default=0)

    def _run_briefly(self):
        *others, most = self._sizes()
        for slot in self.slab.slots:
            self._run_sample(slot, most)
        until_ns = time.monotonic_ns() + SWEEP_NS
        costs = [(most, self._measure(most))]
        for index, rows in enumerate(others):
            if index == 0 or (time.monotonic_ns() < until_ns and not self.flags.stopping):
                self._run_sample(self.slab.slots[0], rows)
                costs.insert(-1, (rows, self._measure(rows)))
        return costs

    def _run_as_told(self, runs):
        costs = [(rows, self._run_size(rows, runs)) for rows in reversed(self._sizes())]
        return [(rows, ns) for rows, ns in reversed(costs) if ns]

    def _warm_up(self):
        """(rows, nanoseconds) of each size measured, ascending."""
        wanted = self.context.properties.get("python.warm.up", "true")
        if wanted not in ("true", "false"):
            raise LoadFailed(f"python.warm.up={wanted} is neither true nor false")
        self.samples = leat_sample.Samples(self.context, self.model.specs, self.model.subject)
        runs = leat_sample.runs(self.context.properties)
        if wanted == "false" or runs == 0:
            return []
        try:
            return self._run_briefly() if runs is None else self._run_as_told(runs)
        except LoadFailed as failure:
            if (failure.no_memory or self.samples.file_key
                    or hasattr(self.model.subject, "example")):
                raise
            raise LoadFailed(f"{failure} (a class that cannot take zeros defines example(rows), "
                             "or warmup.input.0 names a row, or warmup.runs=0)") from failure


def _memory_used():
    """Bytes in memory that are this process's own: neither the slab's nor a library's file."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        _, resident, shared = map(int, statm.read().split()[:3])
    return (resident - shared) * resource.getpagesize()


def _bytes_of(properties, key):
    """A size such as 512MiB; 0 if the key is not there."""
    text = properties.get(key)
    if text is None:
        return 0
    units = {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "": 1}
    digits = text.rstrip("KMGiB")
    if not digits.isdigit() or text[len(digits):] not in units:
        raise LoadFailed(f"{key}={text} is no size such as 512MiB")
    return int(digits) * units[text[len(digits):]]


def _common_text(failures):
    """The words for all rows that failed, where they are the same: a row's own are nobody
    else's to read."""
    texts = {message for message, _ in failures.values()}
    return texts.pop() if len(texts) == 1 else ""


def _is_no_memory(failure):
    """Python's own, PyTorch's and their like."""
    return getattr(failure, "no_memory", False) is True or any(
        kind.__name__ in ("MemoryError", "OutOfMemoryError") for kind in type(failure).__mro__)


def _judge(failure):
    """Outcome and words for what predict raised."""
    if isinstance(failure, leat_runner.DeviceLost):
        return leat_slab.DEVICE_LOST, describe(failure)
    if isinstance(failure, leat_runner.ItemError):
        return leat_slab.FAILED, failure.message
    if isinstance(failure, WrongSlot):
        return leat_slab.FAILED, str(failure)
    if isinstance(failure, WrongReturn):
        leat_log.write("e", str(failure))
        return leat_slab.FAILED, str(failure)
    leat_log.write("e", _traceback(failure))
    if _is_no_memory(failure):
        return leat_slab.OUT_OF_MEMORY, describe(failure)
    return leat_slab.FAILED, describe(failure)


def _traceback(failure):
    return "".join(traceback.format_exception(type(failure), failure, failure.__traceback__))


def _exit(status):
    """Ends at once: no exit handler may hang, nor answer for a model that is done."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:  # a stream of the model's own making
            pass
    os._exit(status)


def _reason(failure):
    if isinstance(failure, (LoadFailed, ValueError, WrongReturn)):
        return str(failure)
    return describe(failure)


def main(control, fields, fds, flags):
    # Made anew: those there were made for whatever the batcher writes to.
    sys.stdout = sys.__stdout__ = open(1, "w", 1, errors="backslashreplace", closefd=False)
    sys.stderr = sys.__stderr__ = open(2, "w", 1, errors="backslashreplace", closefd=False)
    faulthandler.enable()  # a crash tells in which line of Python
    leat_log.install()
    instance = None
    try:
        instance = Instance(control, fields, fds, flags)
        costs = instance.load()
    except (Exception, SystemExit) as failure:
        if not isinstance(failure, LoadFailed):
            leat_log.write("e", _traceback(failure))
        flags.end()
        cause = [("cause", "out_of_memory")] if _is_no_memory(failure) else []
        leat_control.send(control, "failed", ("instance", fields.get("instance", "0")),
                          ("reason", _reason(failure)), *cause)
        _exit(0)
    instance.say_loaded(costs)
    instance.serve()
    flags.end()
    instance.say("unloaded")
    _exit(0)

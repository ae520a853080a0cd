# SPDX-License-Identifier: Apache-2.0
"""The slots of one instance in shared memory, and whose they are.

The state of a slot is handed over between two processes and needs what Python has no words
for: a compare-and-swap (the batcher may withdraw the slot we are about to take), a load
that nothing after it may overtake and a store that nothing before it may be late for. All
three are calls into libatomic, the compiler's own library for them, which is right on every
machine: on x86-64 plain moves and LOCK CMPXCHG, on ARM LDAR, STLR and LDAXR/STLXR or CAS.
Around such a call the interpreter keeps the order of the program, as it does for any call.
What is read by the batcher while we run (two times) is stored in the same way, so that it
is never seen half written; everything else in a slot is plain memory of whoever owns it.
"""
import ctypes
import fcntl
import mmap
import os
import struct
import sys
import time

import leat_control

SLOTS = 3
ALIGN = 64
ROWS_MAX = 4096
TENSORS_MAX = 32
ERROR_BYTES = 256  # of the slot's error, and of each row's
FREE, FILLED, RUNNING, DONE = range(4)
SUCCEEDED, FAILED, OUT_OF_MEMORY, DEVICE_LOST = range(4)

# Offsets in a slot, docs/runner-protocol.md.
OUTCOME, SEQUENCE, ROWS, OUTPUT_COUNT, ROW_ERRORS, INPUTS_END = 4, 8, 16, 24, 28, 32
TAKEN, PREPARED, STARTED, COMPLETED = 40, 48, 56, 64
ERROR, ROW_FAILED, INPUTS, OUTPUTS, DATA = 72, 328, 4424, 9288, 14208
TENSOR = struct.Struct("=64sII8qQQ")  # name, datatype, rank, shape, offset, size
PARENT_PART = struct.Struct("=IIIIQ")  # from ROWS: rows, inputs, outputs, row errors, end

_RELAXED, _ACQUIRE, _RELEASE = 0, 2, 3  # memory orders of the compiler
_RING = (1).to_bytes(8, sys.byteorder)
_NO_ROW_FAILED = bytes(ROWS_MAX)

try:
    # PyDLL: these never wait, so the interpreter lock need not be let go.
    _LIBATOMIC = ctypes.PyDLL("libatomic.so.1")
except OSError as error:
    raise ImportError("libatomic.so.1 is missing: apt install libatomic1") from error


def _function(name, result, *arguments):
    function = _LIBATOMIC[name]
    function.restype, function.argtypes = result, arguments
    return function


_load_4 = _function("__atomic_load_4", ctypes.c_uint32, ctypes.c_void_p, ctypes.c_int)
_load_8 = _function("__atomic_load_8", ctypes.c_uint64, ctypes.c_void_p, ctypes.c_int)
_store_4 = _function("__atomic_store_4", None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int)
_store_8 = _function("__atomic_store_8", None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int)
_swap_4 = _function("__atomic_compare_exchange_4", ctypes.c_bool, ctypes.c_void_p,
                    ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_int)


def align_up(offset):
    return (offset + ALIGN - 1) // ALIGN * ALIGN


class Slot:
    """One slot; `base` is where it begins in the slab."""

    def __init__(self, memory, address, base, size):
        self.memory = memory
        self.address = address + base
        self.base = base
        self.size = size

    def parent_part(self):
        """rows, input_count, output_count, row_errors, inputs_end"""
        return PARENT_PART.unpack_from(self.memory, self.base + ROWS)

    def set_parent_part(self, rows, inputs, end):
        PARENT_PART.pack_into(self.memory, self.base + ROWS, rows, inputs, 0, 0, end)

    def clear(self, rows):
        """What the runner clears when it takes a slot."""
        at = self.base
        struct.pack_into("=II", self.memory, at + OUTPUT_COUNT, 0, 0)
        self.memory[at + ERROR] = 0
        if 0 < rows <= ROWS_MAX:
            self.memory[at + ROW_FAILED:at + ROW_FAILED + rows] = _NO_ROW_FAILED[:rows]

    def set_output_count(self, count):
        struct.pack_into("=I", self.memory, self.base + OUTPUT_COUNT, count)

    def set_error(self, message):
        data = leat_control.clean(message, ERROR_BYTES - 1) + b"\0"
        at = self.base + ERROR
        self.memory[at:at + len(data)] = data

    def error(self):
        at = self.base + ERROR
        return self.memory[at:at + ERROR_BYTES].split(b"\0")[0].decode("utf-8", "replace")

    def fail_rows(self, failures, rows, end):
        """Marks rows as failed; why, row by row, is written behind the outputs if it fits.

        failures: (message, whether the row is at fault) by row.
        """
        for row, (_, refused) in failures.items():
            self.memory[self.base + ROW_FAILED + row] = 2 if refused else 1
        if end + rows * ERROR_BYTES > self.size:
            return
        at = self.base + end
        for row in range(rows):
            text = failures[row][0] if row in failures else ""
            data = leat_control.clean(text, ERROR_BYTES - 1) + b"\0"
            begin = at + row * ERROR_BYTES
            self.memory[begin:begin + len(data)] = data
        struct.pack_into("=I", self.memory, self.base + ROW_ERRORS, end // ALIGN)

    def set_time(self, field, now_ns):
        _store_8(self.address + field, now_ns, _RELAXED)

    def times(self):
        return struct.unpack_from("=4q", self.memory, self.base + TAKEN)


class Slab:
    """Three slots and the two bells of an instance."""

    def __init__(self, slot_bytes, fds):
        memfd, self.submit, self.complete = fds
        size = slot_bytes * SLOTS
        if slot_bytes % ALIGN or os.fstat(memfd).st_size < size:
            raise ValueError(f"the slab of {os.fstat(memfd).st_size} bytes does not hold "
                             f"{SLOTS} slots of {slot_bytes}, or these are no "
                             f"multiple of {ALIGN}")
        self.memory = mmap.mmap(memfd, size, mmap.MAP_SHARED)
        os.close(memfd)
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        self.slots = [Slot(self.memory, address, i * slot_bytes, slot_bytes)
                      for i in range(SLOTS)]
        self.last = 0  # sequence taken last
        self._expected = ctypes.c_uint32()
        self._expected_at = ctypes.addressof(self._expected)
        # The parent may have made it non-blocking for its own loop; we wait in read().
        flags = fcntl.fcntl(self.submit, fcntl.F_GETFL)
        fcntl.fcntl(self.submit, fcntl.F_SETFL, flags & ~os.O_NONBLOCK)

    def _find_lowest(self):
        lowest, sequence = None, 0
        for slot in self.slots:
            if _load_4(slot.address, _ACQUIRE) == FILLED:
                its = _load_8(slot.address + SEQUENCE, _RELAXED)
                if lowest is None or its < sequence:
                    lowest, sequence = slot, its
        return lowest, sequence

    def _claim(self, slot, sequence):
        """Takes the slot unless the parent withdrew it. It may also have filled it anew
        since we looked, with a batch whose turn is not now: that one is put back."""
        self._expected.value = FILLED
        if not _swap_4(slot.address, self._expected_at, RUNNING, _ACQUIRE, _RELAXED):
            return False
        if _load_8(slot.address + SEQUENCE, _RELAXED) == sequence:
            return True
        _store_4(slot.address, FILLED, _RELEASE)
        return False

    def take(self):
        """The FILLED slot of the lowest sequence, now ours; None if there is none.

        A look may pass slot A just before it is filled and then see the later slot B. Having
        acquired B it would see A the next time, so a jump in the sequence is looked at again.
        """
        while True:
            slot, sequence = self._find_lowest()
            if slot is not None and sequence != self.last + 1:
                slot, sequence = self._find_lowest()
            if slot is None:
                return None
            if self._claim(slot, sequence):
                self.last = sequence
                slot.set_time(TAKEN, time.monotonic_ns())
                return slot

    def give(self, slot, outcome):
        """DONE: the slot is the parent's, with all that was written before."""
        struct.pack_into("=I", slot.memory, slot.base + OUTCOME, outcome)
        _store_4(slot.address, DONE, _RELEASE)
        os.write(self.complete, _RING)

    def wait(self):
        """Until the parent rings, or has rung since the last wait."""
        os.read(self.submit, 8)

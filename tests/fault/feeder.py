# SPDX-License-Identifier: Apache-2.0
"""The load of a campaign: rows of one kind of model straight into its topic, all the time, and
rows that somebody wants among them."""
import itertools
import threading

import kinds
import records

WAVE, EVERY_S = 40, 0.1


class Feeder(threading.Thread):
    def __init__(self, s, prefix, model, kind, dice, partitions):
        super().__init__(daemon=True)
        self.s, self.model, self.kind = s, model, kind
        self.topic = f"{prefix}requests.{model}"
        self.dice, self.partitions = dice, partitions
        self.sent = []  # ids
        self.guilty = {}  # id: what it was put in for
        self._wanted = []  # (row, what for)
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._rows = itertools.count()
        self._trouble = None

    def put(self, row, what):
        """Into the middle of the next wave. Its id."""
        request_id = records.new_id()
        with self._lock:
            self.guilty[request_id] = what
            self._wanted.append((request_id, row))
        return request_id

    def has_sent(self, request_id):
        return self._trouble is not None or request_id in self.sent[-2 * WAVE:]

    def _record(self, request_id, row):
        shape = [1, kinds.WIDTH]
        tensor = records.tensor("data", row, shape, self.kind.datatype)
        return records.request(request_id, [tensor], self.model)

    def _wave(self):
        rows = [(records.new_id(), self.kind.row(next(self._rows))) for _ in range(WAVE)]
        with self._lock:
            for wanted in self._wanted:
                rows.insert(self.dice.randrange(1, WAVE), wanted)
            self._wanted.clear()
        records.produce(self.s, self.topic, [self._record(*r) for r in rows],
                        partition=self.dice.randrange(self.partitions))
        self.sent += [request_id for request_id, _ in rows]

    def run(self):
        try:
            while not self._over.wait(EVERY_S):
                self._wave()
        except Exception as trouble:  # pylint: disable=broad-except
            self._trouble = trouble  # load that ended early proves nothing

    def end(self):
        """All ids that were sent."""
        self._over.set()
        self.join()
        if self._wanted and self._trouble is None:
            self._wave()
        if self._trouble is not None:
            raise RuntimeError(f"the load: {self._trouble}")
        return self.sent

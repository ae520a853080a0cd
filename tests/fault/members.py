# SPDX-License-Identifier: Apache-2.0
"""The batchers of one group, each with a client.id of its own so that it can be told which
partitions are whose."""
import itertools
import os
import signal
import time

import stage

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
PARTITIONS = 8
COMMIT_MS = 200  # batcher.commit.interval


def uncommitted_ms(answers, slack_ms):
    """How long before its death a batcher may have written answers that it did not commit, where
    the machine lets a commit be so late."""
    return COMMIT_MS + slack_ms + max((a.time_ms - a.received_ms for a in answers), default=0)


class Members:
    def __init__(self, s, prefix, witness, session_s):
        self.stage, self.prefix, self.witness = s, prefix, witness
        self.options = ["--models.load=sim",
                        f"--kafka.consumer.session.timeout.ms={session_s * 1000}"]
        self.names = itertools.count(1)
        self.running = {}  # client.id: process
        self.leaving = []  # those that were told to stop

    def join(self):
        """Starts one more, without waiting for it. Its name."""
        name = f"member{next(self.names)}"
        self.running[name] = self.stage.batcher_begin(
            self.prefix, MODELS, f"--kafka.client.id={name}", *self.options)
        return name

    def settle(self, seconds=40):
        """Waits until those that run, and nobody else, own all partitions. {name: [them]}"""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            owners = self.witness.owners()
            if set(owners) == set(self.running) and \
                    sum(map(len, owners.values())) == PARTITIONS:
                return owners
            time.sleep(0.1)
        raise TimeoutError(f"the group of {self.prefix} did not settle: {owners}")

    def kill(self, name):
        self.running.pop(name).kill()

    def terminate(self, name):
        member = self.running.pop(name)
        member.process.send_signal(signal.SIGTERM)
        self.leaving.append(member)

    def end(self):
        """Stops those that run. Exit statuses, other than 0, of all that were told to."""
        for name in list(self.running):
            self.terminate(name)
        return [status for status in (m.stop(40) for m in self.leaving) if status != 0]

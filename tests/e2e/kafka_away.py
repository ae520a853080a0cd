#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kafka away: 503 with Retry-After within a second and no 2xx; back again: all resumes. Who waits
for Kafka for longer waits through a broker that stands still for shorter."""
import os
import signal
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import ask  # noqa: E402
import stage  # noqa: E402

MODELS = os.path.join(stage.ROOT, "tests", "support", "models")
BODY = ask.row([1, 2, 3, 4])


def infer(address, headers=None):
    begin = time.monotonic()
    code, names, body = ask.call(address, "POST", "/v2/models/sim/infer", BODY, headers)
    return code, names, body, time.monotonic() - begin


def stands_still(s, address):
    """Requests all the while; none is refused."""
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(infer(address)[0]))
               for _ in range(10)]
    os.kill(s.broker_pid(), signal.SIGSTOP)
    for thread in threads:
        thread.start()
        time.sleep(0.3)
    os.kill(s.broker_pid(), signal.SIGCONT)
    for thread in threads:
        thread.join()
    assert codes == [200] * len(threads), codes
    print(len(codes), "waited through three seconds")


def main():
    with stage.Stage() as s:
        s.topics("t.", ["sim"])
        batcher = s.batcher("t.", MODELS, "--models.load=sim")
        patient = s.ingest("t.", "--admission.accept.timeout=20s")
        assert infer(patient.ready["http"])[0] == 200
        stands_still(s, patient.ready["http"])
        assert patient.stop() == 0, patient.log()
        ingest = s.ingest("t.", "--admission.accept.timeout=700ms")
        address = ingest.ready["http"]
        assert infer(address)[0] == 200
        os.kill(s.broker_pid(), 9)
        took = []
        for i in range(30):
            code, names, body, seconds = infer(address, {"Prefer": "respond-async"})
            assert code == 503, f"{i}: {code} {body}"
            assert int(names["retry-after"]) >= 1, names
            took.append(seconds)
            time.sleep(0.1)
        # Of all but a few, as the machine may have been busy with something else.
        assert sorted(took)[24] < 1.0, f"{took} s until the 503"
        print(len(took), "refused with 503")
        s.kafka_up("--keep")

        def resumed():
            code, _, body, _ = infer(address)
            assert code in (200, 503, 504), f"{code} {body}"
            return code == 200

        stage.wait_for("Kafka to be of use again", resumed)
        for _ in range(20):
            code, _, body, _ = infer(address)
            assert code == 200, body
        assert batcher.stop() == 0, batcher.log()
        assert ingest.stop() == 0, ingest.log()


main()

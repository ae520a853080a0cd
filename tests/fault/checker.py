#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The invariants that every fault has to leave whole, judged on a history alone. Shares no code
with the product. Run by itself it tests itself: it breaks a good history in every way it knows
and has to notice each.

I1 no loss: every request has a terminal reply.
I2 one answer: the first terminal reply of an id decides, later ones say the same.
I3 no crosstalk: an answer is that of its own row.
I4 no phantom: nothing is answered, and nothing is a dead letter, that nobody asked.
I7 commit safety: below a committed offset everything has its reply or dead letter before, and
   what is committed never goes back.
"""
import bisect
import collections
import copy
import sys

import history as h


def _lost(history, answers):
    return [f"I1 {r.id} of {r.partition}/{r.offset} has no answer"
            for r in history.requests if r.id not in answers]


def _unlike(answers):
    found = []
    for request_id, replies in answers.items():
        said = {(r.status, r.value) for r in replies}
        if len(said) > 1:
            found.append(f"I2 {request_id} was answered {sorted(said, key=str)}")
    return found


def _crossed(history, answers):
    found = []
    for request in history.requests:
        for reply in answers.get(request.id, ()):
            if reply.status == "SUCCEEDED" and reply.value != request.wanted:
                found.append(f"I3 {request.id} got {reply.value}, not {request.wanted}")
    return found


def _phantoms(history, answers):
    asked = {r.id for r in history.requests}
    return ([f"I4 {i} was answered, nobody asked" for i in answers if i not in asked] +
            [f"I4 dead letter of {x.id}, nobody asked" for x in history.letters
             if x.id not in asked])


def _ended_by(request, sample, answers, letters):
    """Whether the request had its reply or dead letter when the sample was taken."""
    replies = answers.get(request.id, ())
    return (any(r.offset < sample.replies.get(r.partition, 0) for r in replies) or
            any(x.offset < sample.letters.get(x.partition, 0)
                for x in letters.get(request.id, ())))


def _commits(history, answers):
    found = []
    letters = collections.defaultdict(list)
    for letter in history.letters:
        letters[letter.id].append(letter)
    partitions = collections.defaultdict(list)
    for request in sorted(history.requests, key=lambda r: r.offset):
        partitions[request.partition].append(request)
    highest = {}
    for sample in history.samples:
        for partition, offset in sample.committed.items():
            before = highest.get(partition, 0)
            if offset < before:
                found.append(f"I7 {partition} went back from {before} to {offset}")
            queue = partitions[partition]
            first, end = (bisect.bisect_left(queue, o, key=lambda r: r.offset)
                          for o in (before, offset))
            found += [f"I7 {partition}/{r.offset} was committed before it was answered"
                      for r in queue[first:end]
                      if not _ended_by(r, sample, answers, letters)]
            highest[partition] = max(before, offset)
    return found


def check(history):
    """What is wrong, a line each; nothing if all holds."""
    answers = history.answers()
    return (_lost(history, answers) + _unlike(answers) + _crossed(history, answers) +
            _phantoms(history, answers) + _commits(history, answers))


# The self-test: (what is broken, the invariant that has to notice).

def _drop_reply(history):
    victim = history.requests[len(history.requests) // 2].id
    history.replies = [r for r in history.replies if r.id != victim]


def _swap_payloads(history):
    good = [i for i, r in enumerate(history.replies) if r.status == "SUCCEEDED"]
    a = history.replies[good[0]]
    at = next(i for i in good if history.replies[i].value != a.value)
    b = history.replies[at]
    history.replies[good[0]] = a._replace(value=b.value)
    history.replies[at] = b._replace(value=a.value)


def _change_answer(history):
    last = history.replies[-1]
    history.replies.append(last._replace(offset=10**9, status="FAILED", value=None))


def _invent_reply(history):
    history.replies.append(history.replies[0]._replace(offset=10**9, id="nobody"))


def _commit_early(history):
    """The first sample commits everything, when nothing was answered yet."""
    ends = {}
    for r in history.requests:
        ends[r.partition] = max(ends.get(r.partition, 0), r.offset + 1)
    history.samples.insert(0, h.Sample(0, ends, {}, {}))


def _commit_back(history):
    last = history.samples[-1]
    partition = max(last.committed, key=last.committed.get)
    history.samples.append(last._replace(committed={partition: 0}))


MUTANTS = [(_drop_reply, "I1"), (_change_answer, "I2"), (_swap_payloads, "I3"),
           (_invent_reply, "I4"), (_commit_early, "I7"), (_commit_back, "I7")]


def unnoticed(history):
    """Names of the ways to break this history that check() does not notice."""
    missed = []
    for mutate, invariant in MUTANTS:
        broken = copy.copy(history)
        broken.replies, broken.samples = list(history.replies), list(history.samples)
        mutate(broken)
        if not any(line.startswith(invariant) for line in check(broken)):
            missed.append(mutate.__name__)
    return missed


def small_history():
    """Twelve requests on two partitions, answered in order, one of them a dead letter."""
    requests = [h.Request(i % 2, i // 2, i, f"id{i}", 100 + i) for i in range(12)]
    replies = [h.Reply(r.partition, r.offset, r.time_ms + 5, r.id, "SUCCEEDED", r.wanted,
                       r.time_ms, (1, 2)) for r in requests[:-1]]
    replies.append(h.Reply(1, 5, 20, "id11", "FAILED", None, 12, (0, 0)))
    replies.append(replies[0]._replace(offset=6))  # the same once more is allowed
    samples = [h.Sample(n, {0: n, 1: n}, {0: n, 1: n}, {}) for n in range(7)]
    return h.History(requests, replies, [h.Letter(0, 0, 20, "id11")], samples)


def main():
    history = small_history()
    wrong, missed = check(history), unnoticed(history)
    for line in wrong + missed:
        print("checker:", line)
    print(f"{len(MUTANTS) - len(missed)} of {len(MUTANTS)} broken histories noticed")
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of README.md, as they stand there: first Leat is started as "Run it on your
Kafka" says, then it is asked as "Ask it something" says. Only names of this machine's own
are put in: where the programs, the broker and the ingest are."""
import os
import re
import shlex
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import stage  # noqa: E402

SERVICES = ("leat-batcher", "leat-ingest")


def commands(heading):
    """The lines of the code blocks below a heading of README.md."""
    with open(os.path.join(stage.ROOT, "README.md"), encoding="utf-8") as f:
        text = f.read()
    section = text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```\n(.*?)```", section, re.DOTALL)
    found = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert found, f"README.md has no commands below '{heading}'"
    return found


def finished(line):
    run = subprocess.run(line, shell=True, cwd=stage.ROOT, text=True, timeout=60,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert run.returncode == 0, f"{line}: {run.returncode}\n{run.stdout}"
    return run.stdout


def main():
    with stage.Stage() as s:
        os.environ["LEAT_HTTP_LISTEN"] = "127.0.0.1:0"
        os.environ["LEAT_RESULTS_STORE"] = os.path.join(s.folder, "results")
        os.environ["LEAT_LOG_FORMAT"] = "logfmt"
        address = None
        for line in commands("Run it on your Kafka"):
            here = line.replace("build/bin", stage.BIN).replace("broker:9092", s.brokers)
            here = here.replace("./models", os.path.join(stage.ROOT, "models"))
            name = os.path.basename(shlex.split(here)[0])
            if name in SERVICES:
                service = stage.Process(s, name, shlex.split(here)).wait_ready()
                address = service.ready.get("http", address)
            else:
                finished(here)
            print("ok:", line)
        for line in commands("Ask it something"):
            answer = finished(line.replace("127.0.0.1:8080", address))
            assert '"outputs"' in answer, f"{line}: {answer}"
            print("ok:", line)


main()

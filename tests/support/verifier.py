# SPDX-License-Identifier: Apache-2.0
"""The verifier of the Standard Webhooks project, standardwebhooks of PyPI, in a virtual
environment that is made once below ${LEAT_CACHE:-${XDG_CACHE_HOME:-~/.cache}/leat}."""
import json
import os
import subprocess
import sys

PACKAGE = "standardwebhooks==1.0.0"
PROGRAM = """
import json, sys
from standardwebhooks.webhooks import Webhook
given = json.load(sys.stdin)
for one in given:
    Webhook(one["secret"]).verify(one["body"].encode(), one["headers"])
try:
    Webhook(given[0]["secret"]).verify(given[0]["body"].encode() + b" ", given[0]["headers"])
    sys.exit("it takes anything")
except Exception as refusal:
    print(len(given), "verified;", type(refusal).__name__, "for one that was changed")
"""


def _python():
    cache = os.environ.get("LEAT_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "leat")
    folder = os.path.join(cache, PACKAGE.replace("==", "-"))
    python = os.path.join(folder, "bin", "python")
    done = os.path.join(folder, ".complete")
    if not os.path.exists(done):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([python, "-m", "pip", "install", "-q", PACKAGE], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        with open(done, "w", encoding="ascii"):
            pass
    return python


def verify(messages):
    """Has {secret, body, headers} each verified; None where the library cannot be had."""
    try:
        python = _python()
    except (OSError, subprocess.CalledProcessError):
        return None
    run = subprocess.run([python, "-c", PROGRAM], input=json.dumps(messages), text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert run.returncode == 0, run.stdout
    return run.stdout.strip()

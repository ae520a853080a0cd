# SPDX-License-Identifier: Apache-2.0
"""The packages of onnx-packages.txt, installed once below
${LEAT_CACHE:-${XDG_CACHE_HOME:-~/.cache}/leat}; to be named in PYTHONPATH."""
import hashlib
import os
import subprocess
import sys

LIST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx-packages.txt")


def folder():
    cache = os.environ.get("LEAT_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "leat")
    with open(LIST, "rb") as f:
        there = os.path.join(cache, "onnx-packages-" + hashlib.sha256(f.read()).hexdigest()[:12])
    done = os.path.join(there, ".complete")
    if not os.path.exists(done):
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-input",
                        "--disable-pip-version-check", "--root-user-action=ignore",
                        "--only-binary=:all:", "--require-hashes",
                        "--upgrade", "--target", there, "-r", LIST], check=True)
        with open(done, "w", encoding="ascii"):
            pass
    return there

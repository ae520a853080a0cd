# SPDX-License-Identifier: Apache-2.0
"""API keys as the tool makes them, and files of them."""
import os
import subprocess

import stage


def make(tenant, *options):
    """(key, line for the file)"""
    run = subprocess.run([os.path.join(stage.BIN, "leat"), "keys", "create",
                          f"--tenant={tenant}", *options],
                         stdout=subprocess.PIPE, text=True, check=True)
    return run.stdout.splitlines()


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def write(path, lines):
    with open(path, "w", encoding="ascii") as f:
        f.write("# who may call\n" + "\n".join(lines) + "\n")
    os.chmod(path, 0o600)
    return path

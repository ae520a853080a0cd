# SPDX-License-Identifier: Apache-2.0
"""Needs a module that nobody has."""
import no_such_module  # noqa: F401

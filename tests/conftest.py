"""What all tests share."""

from __future__ import annotations

import signal

pytest_plugins = ["pytester"]

# A shell lets what it runs in the background ignore interrupts, and that is inherited; tests here are interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)

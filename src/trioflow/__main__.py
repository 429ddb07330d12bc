"""`python -m trioflow` is the command `trioflow`."""

from __future__ import annotations

import sys

from trioflow.race.cli import main

sys.exit(main())

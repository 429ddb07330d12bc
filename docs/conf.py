"""How the documentation is built: `nox -s docs`."""

from __future__ import annotations

import trioflow

project = "trioflow"
author = "trioflow contributors"
copyright = "trioflow contributors"
version = release = trioflow.__version__

extensions = ["myst_parser"]
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"trioflow {release}"
html_copy_source = False

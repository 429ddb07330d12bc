"""Which modules are rewritten, and how.

PYTEST_DONT_REWRITE
"""

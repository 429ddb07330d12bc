"""A race detector for Trio programs.

PYTEST_DONT_REWRITE
"""

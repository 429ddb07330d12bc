"""Judging what the shadow memory finds: races, critical sections, and how they are told.

PYTEST_DONT_REWRITE
"""

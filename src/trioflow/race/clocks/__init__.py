"""Logical time: vector clocks, actors and what orders them.

PYTEST_DONT_REWRITE
"""

"""Suppressions: findings that somebody has looked at and accepts, with the reason.

PYTEST_DONT_REWRITE
"""

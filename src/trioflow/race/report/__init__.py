"""Reports: findings as text for people and as JSON for programs.

PYTEST_DONT_REWRITE
"""

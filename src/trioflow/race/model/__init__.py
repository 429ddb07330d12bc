"""Plain data: sites, findings, configuration and errors.

PYTEST_DONT_REWRITE
"""

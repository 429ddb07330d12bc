"""What the detector remembers of a running program: the probes and what they record.

PYTEST_DONT_REWRITE
"""

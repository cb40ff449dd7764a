"""Faults on purpose: what is acknowledged while everything is killed and cut must be in the table, once, as it was.

`python -m tests.faults --kills 100 --runs 100000` runs the long campaign and prints one line of what came of it.
"""

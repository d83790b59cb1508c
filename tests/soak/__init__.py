"""The soak test: a real service under reads, writes, kills and reloads for minutes, every answer held against a model.

`python -m tests.soak --help`; `make soak` runs it for ten minutes, `tests/test_soak.py` for some seconds.
"""

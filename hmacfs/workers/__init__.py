"""
Several processes that are one daemon: a supervisor, and workers that serve.

Nothing here is imported where ``Workers`` is 1.
"""

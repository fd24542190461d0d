"""
Signed uploads over HTTP: received, synced, and served back.

See ``README.rst`` to run it and ``docs/design.rst`` for how it is built.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]

"""
The tests of hmacfs: one module a module, run by trial.

Hypothesis has no deadline here: how long one example takes says more about
the machine than about the code.
"""

from hypothesis import settings

settings.register_profile("hmacfs", deadline=None)
settings.load_profile("hmacfs")

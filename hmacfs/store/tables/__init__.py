"""
The tables of the index: what can be asked of them, and said to them.

Every function takes the connection first and never commits: those that are
called together, in one function that is given to
:meth:`hmacfs.interfaces.index.IDatabase.run`, happen together or not at all.  They
cost what they find, and not what is kept; sums are kept by triggers.
"""

"""
What an operator asks of a store, and how it gets there.

Where a daemon runs, the command line asks it over a UNIX socket, since one
process at a time has a store; where none runs, it opens the store itself and
does the same.  So each errand is written once, and does not know who hears
what it tells.
"""

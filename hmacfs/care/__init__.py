"""
What is looked after while the daemon runs: what is past its time goes, and
what the index tells is held against the files.

Each duty is a :class:`hmacfs.care.duty.Duty` of its own, and does its work in
slices: what a slice takes happens in threads, and between two of them the
reactor serves everybody.  Whatever removes something asks the
:class:`hmacfs.care.guard.Guard` before.
"""

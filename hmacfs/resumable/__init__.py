"""
The protocols of resumable uploads, brought down to four steps.

tus 1.0.0, the IETF draft and the PUT with ``Content-Range`` mean the same four
things: begin an upload, go on with it at an offset, ask how it stands, give it
up.  ``steps`` has these four as values, and what an answer may tell of an
upload; each protocol is a module with two tables, the fields it reads into a
step and the fields it answers one with; ``fronts`` tells which protocol a
request speaks.

Pure, all of it.  Which step an upload may take is :mod:`hmacfs.uploads`' to
say, and whether the request may take it :mod:`hmacfs.verdict`'s.
"""

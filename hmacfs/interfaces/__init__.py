"""
The contracts between the floors, by who is asked.

=================  ============================================================
module             who asks whom
=================  ============================================================
:mod:`.store`      ``web`` a store: for uploads and files
:mod:`.disk`       a store the system: for its disk, and for threads
:mod:`.index`      a store, and the duties, the index
:mod:`.metadata`   whoever remembers uploads
:mod:`.web`        the parts of ``web`` each other, and those of other processes
:mod:`.hub`        everybody the hub, that others should hear of something
=================  ============================================================

Every Deferred may also fail with what was not foreseen (an ``OSError``, say):
the caller logs it and answers 500.
"""

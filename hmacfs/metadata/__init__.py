"""
What is remembered of uploads, and where.

``memory`` forgets with the process, ``sqlite`` is this node's own, ``redis``
is shared with other nodes, and ``fallback`` joins the last two so that no
request ever waits for Redis or fails with it.
"""

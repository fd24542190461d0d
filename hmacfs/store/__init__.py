"""Where the files are: one module a backend, all of them :class:`hmacfs.interfaces.IStore`."""

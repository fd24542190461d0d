"""Where the files are: one module a backend, each an :class:`hmacfs.interfaces.store.IStore`."""

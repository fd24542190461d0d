"""
Syncs that the kernel does by itself, and tells when they are done.

A sync that a thread waits for costs what the thread costs: it is woken, and
waits for the interpreter behind whoever has it, twice.  Where many wait for the
disk that is more than all else that they do.  Linux takes a sync as an order
(``io_submit(2)`` with ``IOCB_CMD_FSYNC``, since 4.18), and says by a descriptor
that the reactor reads that it is carried out: it does what ``fsync(2)`` does,
with the same result.

Where the kernel takes no orders, since it is another one, is told not to, or the
machine has too many, :attr:`KernelSyncs.most` says so, and threads do all of it as
ever.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable
from itertools import count
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from hmacfs.interfaces.disk import ISyncs

MOST = 256
"""Orders at a time."""

_SYNC = 2  # IOCB_CMD_FSYNC
_TELL = 1  # IOCB_FLAG_RESFD


class Numbers(NamedTuple):
    """
    Those of calls of the system, for which the C library has no functions.
    """

    setup: int
    destroy: int
    found: int
    submit: int


NUMBERS = {
    "x86_64": Numbers(setup=206, destroy=207, found=208, submit=209),
    "aarch64": Numbers(setup=0, destroy=1, found=4, submit=2),
    "riscv64": Numbers(setup=0, destroy=1, found=4, submit=2),
}


class _Order(ctypes.Structure):
    """``struct iocb`` of linux/aio_abi.h; what a sync has no use for is 0."""

    _fields_ = (
        ("data", ctypes.c_uint64),
        ("key", ctypes.c_uint64),
        ("opcode", ctypes.c_uint16),
        ("priority", ctypes.c_int16),
        ("descriptor", ctypes.c_uint32),
        ("buffer", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("offset", ctypes.c_int64),
        ("reserved", ctypes.c_uint64),
        ("flags", ctypes.c_uint32),
        ("told", ctypes.c_uint32),
    )


class _Done(ctypes.Structure):
    """``struct io_event``."""

    _fields_ = (
        ("data", ctypes.c_uint64),
        ("order", ctypes.c_uint64),
        ("result", ctypes.c_int64),
        ("more", ctypes.c_int64),
    )


@implementer(ISyncs, IReadDescriptor)
class KernelSyncs:
    """
    The orders of one process.
    """

    def __init__(
        self,
        reactor: IReactorFDSet,
        system: Callable[..., int] | None = None,
        numbers: Numbers | None = None,
    ) -> None:
        """
        :param system: makes a call of the system, as ``syscall(2)``.
        :param numbers: those that it knows.
        """
        self._reactor = reactor
        self._system = system or ctypes.CDLL(None).syscall
        self._numbers = numbers or known_numbers()
        self._orders = count()
        self._waiting: dict[int, Deferred[None]] = {}
        self._context = ctypes.c_ulong(0)
        self._told = -1

    @property
    def most(self) -> int:
        """How many it takes at a time; 0 where it takes none."""
        return 0 if self._told < 0 else MOST

    def start(self) -> None:
        """
        See :meth:`hmacfs.interfaces.disk.ISyncs.start`.  Nothing of it outlives a fork.
        """
        numbers = self._numbers
        # It may be forbidden, or the machine have too many (fs.aio-max-nr).
        if numbers and self._system(numbers.setup, MOST, ctypes.byref(self._context)) == 0:
            self._told = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
            self._reactor.addReader(self)

    def stop(self) -> None:
        """See :meth:`hmacfs.interfaces.disk.ISyncs.stop`."""
        if self._numbers and self._told >= 0:
            self._reactor.removeReader(self)
            self._system(self._numbers.destroy, self._context)
            os.close(self._told)
            self._context.value, self._told = 0, -1

    def order(self, descriptor: int) -> Deferred[None] | None:
        """See :meth:`hmacfs.interfaces.disk.ISyncs.order`."""
        if self._numbers is None or self._told < 0:
            return None
        order = _Order(
            data=next(self._orders),
            opcode=_SYNC,
            descriptor=descriptor,
            flags=_TELL,
            told=self._told,
        )
        orders = ctypes.pointer(order)
        if self._system(self._numbers.submit, self._context, 1, ctypes.byref(orders)) != 1:
            return None
        done: Deferred[None] = Deferred()
        self._waiting[order.data] = done
        return done

    def fileno(self) -> int:
        """See :meth:`IReadDescriptor.fileno`."""
        return self._told

    def logPrefix(self) -> str:
        """What the reactor calls this."""
        return "syncs"

    def doRead(self) -> None:
        """Some are carried out."""
        assert self._numbers is not None
        os.eventfd_read(self._told)
        found, number = (_Done * MOST)(), MOST
        # It takes more orders than it was asked for, and tells of each once.
        while number == MOST and self._told >= 0:
            number = self._system(self._numbers.found, self._context, 0, MOST, found, None)
            for done in found[: max(0, number)]:
                waiting = self._waiting.pop(done.data)
                if done.result < 0:
                    waiting.errback(OSError(-done.result, os.strerror(-done.result)))
                else:
                    waiting.callback(None)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor has ended."""


def known_numbers() -> Numbers | None:
    """
    :return: those of this machine, where they are known.
    """
    if not sys.platform.startswith("linux") or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    return NUMBERS.get(os.uname().machine)

"""
How often, and how soon, a transfer that broke is tried again.

The pause doubles with each try that brought nothing, so that a server that is
down is not kept down by its clients, and half of it is left to chance, so that
they do not all come back at once.  A try that brought a byte further counts as
none: a bad line may break as often as it likes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.message import Message
from random import SystemRandom

from hmacfs.cli.failures import Failure
from hmacfs.conditions import parse_date

#: Tries in a row that bring nothing, after which it is given up: about a minute and a half.
MOST = 9

#: Seconds before the first of them, and before the last.
FIRST, LONGEST = 0.25, 30.0

#: Seconds that a server may ask to wait; who wants more is asked again by hand.
BEARABLE = 300.0

#: Answers that may be others the next time.
TEMPORARY = frozenset({408, 423, 425, 429, 500, 502, 503, 504})

_CHANCE = SystemRandom()


class Interruption(Exception):
    """
    A transfer broke, and can go on.

    :ivar text: how, in a sentence; what to look at, if it goes on like this, in further lines.
    :ivar wait: seconds that the server asks to wait.
    """

    def __init__(self, text: str, wait: float = 0) -> None:
        super().__init__(text)
        self.text = text
        self.wait = wait


class Retries:
    """
    The tries of one transfer.
    """

    def __init__(
        self,
        say: Callable[[str], None],
        sleep: Callable[[float], None] = time.sleep,
        between: Callable[[float, float], float] = _CHANCE.uniform,
    ) -> None:
        """
        :param say: tells the person at the terminal what is waited for.
        :param between: a number between two, by chance.
        """
        self._say = say
        self._sleep = sleep
        self._between = between
        self._fruitless = 0

    def progressed(self) -> None:
        """Bytes came over: begin to count anew."""
        self._fruitless = 0

    def pause(self, interruption: Interruption) -> None:
        """
        Wait until it is time to try again.

        :raise Failure: that is not worth it any more.
        """
        if interruption.wait > BEARABLE:
            raise Failure(
                f"{interruption.text}\nThe server asks to come back in "
                f"{interruption.wait:.0f} s. The same command goes on then."
            )
        if self._fruitless == MOST:
            raise Failure(
                f"{interruption.text}\nGiven up after {MOST} tries that brought nothing. "
                "The same command goes on where this one ends."
            )
        most = min(FIRST * 2**self._fruitless, LONGEST)
        seconds = max(self._between(most / 2, most), interruption.wait)
        self._fruitless += 1
        self._say(f"{interruption.text.partition(chr(10))[0]} Trying again in {seconds:.1f} s.")
        self._sleep(seconds)


def retry_after(fields: Message, now: float) -> float:
    """
    :param now: unix seconds.
    :return: the seconds that ``Retry-After`` asks for (RFC 9110 section
        10.2.3); 0 where it says nothing that is understood.
    """
    value = str(fields.get("Retry-After", "")).strip()
    if value.isascii() and value.isdigit():
        # Longer than any number of seconds that anybody waits.
        return float(value[:9])
    date = parse_date(value.encode("utf-8", "replace"), now)
    return 0.0 if date is None else max(date - now, 0.0)

"""
Tests of a real daemon with workers: it does all that one process does.
"""

from __future__ import annotations

from collections.abc import Mapping

from tests import test_process, test_process_logs, test_process_ports, test_process_resuming

TWO: Mapping[str, object] = {"Workers": 2}


class StartTests(test_process.StartTests):
    """
    A daemon with workers says what it is and where, or all that is wrong.
    """

    common = TWO
    serving = ("info  workers: 2; each begins its lines with its number in brackets",)


class ServeTests(test_process.ServeTests):
    """
    What was uploaded to one worker is served by all.
    """

    common = TWO


class EndTests(test_process.EndTests):
    """
    A stop lets the transfers of all workers end.
    """

    common = TWO


class LogTests(test_process_logs.LogTests):
    """
    The log is that of all workers.
    """

    common = TWO


class MetricsTests(test_process_logs.MetricsTests):
    """
    The numbers are those of all workers.
    """

    common = TWO


class PortsTests(test_process_ports.PortsTests):
    """
    All workers listen wherever one process would.
    """

    common = TWO


class SystemdTests(test_process_ports.SystemdTests):
    """
    The sockets of systemd are those of all workers.
    """

    common = TWO


class BreakTests(test_process_resuming.BreakTests):
    """
    An upload that one worker began goes on with any other.
    """

    common = TWO


class RedisTests(test_process_resuming.RedisTests):
    """
    Other nodes find the uploads of all workers.
    """

    common = TWO

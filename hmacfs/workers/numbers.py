"""
The numbers of all workers, added up.

A worker counts for itself, and tells by how much its counters grew since it
told last; so what one that died had counted stays, and one that takes its place
counts on.  What is a state, as the connections that are open, is the sum over
those that live.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import attrs
from prometheus_client import Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample

Key = tuple[str, tuple[tuple[str, str], ...]]
"""A sample's name, and its labels in order."""

#: What is no sum: when the supervisor began is when the daemon did.
_OWN = frozenset({"process_start_time_seconds"})


@attrs.frozen
class Numbers:
    """
    What one worker tells of itself.

    :ivar grown: by how much each counter grew.
    :ivar states: how each state is.
    :ivar busy: seconds of processor time that the worker has used.
    :ivar lag: how much later than asked for its reactor called, at most, since
        it told last; seconds.
    """

    grown: Mapping[Key, float]
    states: Mapping[Key, float]
    busy: float = 0.0
    lag: float = 0.0


class Growth:
    """
    How the metrics of one worker grow.
    """

    def __init__(self, registry: Collector) -> None:
        self._registry = registry
        self._told: dict[Key, float] = {}

    def take(self) -> tuple[dict[Key, float], dict[Key, float]]:
        """
        :return: by how much what is counted grew since the last call, and all
            states.
        """
        grown, states = {}, {}
        for metric in self._registry.collect():
            counted = metric.type in ("counter", "histogram")
            for sample in metric.samples:
                key = _key(sample)
                if not counted:
                    states[key] = sample.value
                elif not sample.name.endswith("_created"):
                    more = sample.value - self._told.get(key, 0.0)
                    if more:
                        grown[key] = more
                        self._told[key] = sample.value
        return grown, states


class Sum(Collector):
    """
    The metrics of the supervisor, and of all its workers.
    """

    def __init__(self, own: Collector) -> None:
        self._own = own
        self._grown: defaultdict[Key, float] = defaultdict(float)
        self._states: dict[int, Mapping[Key, float]] = {}

    def add(self, worker: int, numbers: Numbers) -> None:
        """
        :param numbers: what *worker* told.
        """
        for key, more in numbers.grown.items():
            self._grown[key] += more
        self._states[worker] = numbers.states

    def forget(self, worker: int) -> None:
        """
        *worker* is no more; what it counted stays.
        """
        self._states.pop(worker, None)

    def collect(self) -> Iterable[Metric]:
        """See :class:`prometheus_client.registry.Collector`."""
        states: defaultdict[Key, float] = defaultdict(float)
        for each in self._states.values():
            for key, value in each.items():
                states[key] += value
        for metric in self._own.collect():
            if metric.type in ("counter", "histogram"):
                yield _added(metric, self._grown)
            elif metric.type == "gauge" and metric.name not in _OWN:
                yield _added(metric, states)
            else:
                yield metric


def _added(metric: Metric, more: Mapping[Key, float]) -> Metric:
    """
    :return: *metric*, with what the workers told of it; labels that only they
        have come behind the others.
    """
    names = {metric.name, f"{metric.name}_total"}
    if metric.type == "histogram":
        names = {f"{metric.name}_{end}" for end in ("bucket", "count", "sum")}
    coming = {key: value for key, value in more.items() if key[0] in names}
    total = Metric(metric.name, metric.documentation, metric.type, metric.unit)
    for sample in metric.samples:
        value = sample.value + coming.pop(_key(sample), 0.0)
        total.add_sample(sample.name, sample.labels, value)
    for (name, labels), value in coming.items():
        total.add_sample(name, dict(labels), value)
    return total


def _key(sample: Sample) -> Key:
    return sample.name, tuple(sorted(sample.labels.items()))

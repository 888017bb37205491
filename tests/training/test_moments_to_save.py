"""When runs save and stop: hosts ask each other after the same steps, and do alike."""

import types

import numpy as np
import pytest

from keras_ms.training import moments_to_save
from keras_ms.training.moments_to_save import JointMoments, Moments


class Clock:
    """What `time` is for the module: it stands still unless it is told to go on."""

    def __init__(self, monkeypatch):
        self.now = 100.0
        told = types.SimpleNamespace(monotonic=lambda: self.now)
        monkeypatch.setattr(moments_to_save, "time", told)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


class Hosts:
    """Two hosts in one process, which ask each other: the chief's numbers are given first."""

    def __init__(self, every):
        self.asked = 0
        self.tables = [None, None]
        self.both = [JointMoments(every, self._sums(k), self._error) for k in range(2)]

    def _sums(self, host):
        return types.SimpleNamespace(gathered=lambda told: self._gathered(host, told))

    @staticmethod
    def _error(host, number):
        return RuntimeError(f"host {host}, {number}")

    def _gathered(self, host, told):
        self.tables[host] = list(told)
        self.asked += host
        other = self.tables[1 - host] or [0, False, 1]
        return np.array([told, other] if host == 0 else [other, told], float)

    def step(self, stops=(None, None), last=False):
        """Whether each saves after a step. The chief learns late what the other one told."""
        found = []
        for host, moment in enumerate(self.both):
            moment.count()
            found.append(moment.come(stops[host], last))
        return found


def test_one_host_saves_by_its_clock(clock):
    moment = Moments(30.0)
    assert not moment.come(None)
    clock.now += 30.0
    assert moment.come(None)
    moment.saved()
    assert not moment.come(None)
    error = KeyError()
    assert moment.come(error)
    assert moment.ending is error


def test_the_chiefs_clock_counts(clock):
    hosts = Hosts(0.0)
    assert hosts.step() == [True, True]
    hosts = Hosts(30.0)
    hosts.both[1]._last -= 1000.0  # for the other host it would be time
    assert hosts.step() == [False, False]


def test_questions_come_about_once_a_second(clock):
    hosts = Hosts(1e9)
    for _ in range(1000):
        clock.now += 0.01
        hosts.step()
    assert 10 <= hosts.asked <= 20  # 10 seconds, and the first ones close together
    before = hosts.asked
    for moment in hosts.both:
        moment.begin_stage()
    hosts.step()
    assert hosts.asked == before + 1


def test_slow_steps_are_asked_after_each(clock):
    hosts = Hosts(1e9)
    for _ in range(5):
        clock.now += 20.0
        hosts.step()
    assert hosts.asked == 5


class NumberedError(Exception):
    number = 15


def test_a_stop_of_one_host_is_one_of_all(clock):
    hosts = Hosts(1e9)
    chief, other = hosts.both
    hosts.tables[1] = [15, False, 1]  # what the other host tells
    hosts.step((None, stop := NumberedError()))
    assert other.ending is stop
    assert str(chief.ending) == "host 1, 15"
    hosts = Hosts(1e9)
    hosts.step((KeyError(), None))
    assert str(hosts.both[1].ending) == "host 0, -1"


def test_what_comes_between_questions_waits_for_the_next(clock):
    hosts = Hosts(1e9)
    for _ in range(4):  # so that the next question is some steps away
        clock.now += 0.01
        hosts.step()
    asked, stop = hosts.asked, NumberedError()
    assert hosts.step((None, stop)) == [False, False]
    assert (hosts.asked, hosts.both[1].ending) == (asked, None)
    hosts.tables[1] = [15, False, 1]
    assert hosts.step((None, stop), last=True) == [True, True]
    assert hosts.both[1].ending is stop

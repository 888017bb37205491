import socket
import threading
import urllib.request

import pytest

from keras_ms import data
from keras_ms.data.sources import hosts

URLS = ["http://one.example/a.zip", "https://two.example/b.zip", "https://two.example/c.zip"]


@pytest.fixture
def direct(monkeypatch):
    monkeypatch.setattr(urllib.request, "getproxies", dict)


class Connection:
    def close(self):
        pass


def test_hosts_that_are_not_reached_are_named(direct, monkeypatch):
    asked = []

    def connect(host, seconds):
        asked.append(host)
        if host[0] == "two.example":
            raise OSError("unreachable")
        return Connection()

    monkeypatch.setattr(socket, "create_connection", connect)
    with pytest.raises(ConnectionError, match=r"no network: two\.example not reached"):
        hosts.check(URLS)
    assert sorted(asked) == [("one.example", 80), ("two.example", 443)]
    hosts.check(URLS[:1])
    hosts.check([])


def test_looking_up_a_name_is_not_waited_for(direct, monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(socket, "create_connection", lambda *_: answered.wait() and Connection())
    with pytest.raises(ConnectionError, match=r"one\.example"):
        hosts.check(URLS[:1], seconds=0.01)
    assert not answered.is_set()
    answered.set()


def test_behind_a_proxy_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"http": "http://proxy"})
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("was tried"))
    hosts.check(URLS)


def test_without_a_network_stl10_does_not_even_try(direct, monkeypatch, tmp_path):
    def refuse(*_):
        raise OSError

    monkeypatch.setattr(socket, "create_connection", refuse)
    with pytest.raises(ValueError, match=r"could not be: no network: ai\.stanford\.edu"):
        data.stl10(data_dir=tmp_path)
    assert not list(tmp_path.rglob("*tmp*"))

"""What several hosts are told by TF_CONFIG and by the chief, before they train."""

import json

import numpy as np
import pytest

from apps import strategies
from apps.experiment import distribution, started_alike
from apps.experiment.options import as_dict
from apps.experiment.settings import Settings
from keras_ms.training.changes import plain
from keras_ms.training.hosts import Place

CLUSTER = {"worker": ["a:1", "b:1"]}
SOUND = {"cluster": CLUSTER, "task": {"type": "worker", "index": 1}}
SENSELESS = {
    "nothing": "",
    "no JSON": "{",
    "a list": "[]",
    "no cluster": json.dumps({"task": SOUND["task"]}),
    "no workers": json.dumps({**SOUND, "cluster": {"chief": ["a:1"]}}),
    "no task": json.dumps({"cluster": CLUSTER}),
    "another host": json.dumps({**SOUND, "task": {"type": "worker", "index": 2}}),
    "a negative one": json.dumps({**SOUND, "task": {"type": "worker", "index": -1}}),
    "no number": json.dumps({**SOUND, "task": {"type": "worker", "index": None}}),
    "another job": json.dumps({**SOUND, "task": {"type": "ps", "index": 0}}),
    "no port": json.dumps({**SOUND, "cluster": {"worker": ["a", "b"]}}),
    "no address": json.dumps({**SOUND, "cluster": {"worker": [1, 2]}}),
}


@pytest.mark.parametrize("case", SENSELESS)
def test_a_tf_config_that_makes_no_sense_is_refused(case):
    with pytest.raises(ValueError, match=r"takes TF_CONFIG, .*Received: TF_CONFIG=.*Use for"):
        distribution.check_tf_config(SENSELESS[case])


def test_one_that_makes_sense_is_taken():
    distribution.check_tf_config(json.dumps(SOUND))
    led = {"cluster": {**CLUSTER, "chief": ["c:1"]}, "task": {"type": "chief", "index": 0}}
    distribution.check_tf_config(json.dumps(led))


def test_strategies_that_decide_as_they_go_are_refused_on_hosts():
    with pytest.raises(ValueError, match="--strategy=adaptive, which decides as it goes"):
        strategies.chosen(Settings(distribute="multi_worker", strategy="adaptive"))


class TwoHosts:
    """What this host, of two, gets to hear."""

    def __init__(self, monkeypatch, said=None, table=None):
        monkeypatch.setattr(distribution, "place", lambda settings: Place(1, 2))
        monkeypatch.setattr(distribution, "said_by_chief", lambda settings, say: said or say())
        monkeypatch.setattr(
            distribution, "gathered", lambda settings, mine: np.array(table or [[0], mine])
        )


def test_a_host_that_was_started_otherwise_is_refused(monkeypatch):
    theirs = plain(as_dict(Settings(output="theirs", data_dir="d", dataset="folder")))
    mine = {"output": "mine", "data_dir": "e", "dataset": "folder"}
    TwoHosts(monkeypatch, {"run": {"what": 1}, "settings": theirs})
    assert started_alike.run_of(Settings(**mine)) == {"what": 1}
    for options in ({"learning_rate": 0.5}, {"on_nan": "rollback"}, {"strategy": "progressive"}):
        ((name, value),) = options.items()
        said = f"--{name}={value}, on the chief {theirs[name]}"
        with pytest.raises(ValueError, match=rf"settings differ. Received: {said}\."):
            started_alike.run_of(Settings(**mine, **options))


def test_the_others_hear_of_it(monkeypatch):
    TwoHosts(monkeypatch, table=[[0], [2]])
    with pytest.raises(ValueError, match="others on host 1, which says which"):
        started_alike.run_of(Settings())


@pytest.mark.parametrize("table", [[[8, 5], [9, 5]], [[8, 5], [8, 6]]])
def test_hosts_with_other_data_are_refused(monkeypatch, table):
    TwoHosts(monkeypatch, table=table)
    with pytest.raises(ValueError, match=r"theirs differ. Received: 8, [89] examples"):
        started_alike.check_data(Settings(), 9, 5)
    TwoHosts(monkeypatch, table=[[8, 5], [8, 5]])
    started_alike.check_data(Settings(), 8, 5)


def test_one_host_asks_nobody():
    def refuse():
        raise ValueError("no")

    alone = Settings()
    assert started_alike.run_of(alone, lambda: {"what": 1}) == {"what": 1}
    with pytest.raises(ValueError, match="no"):
        started_alike.run_of(alone, refuse)
    started_alike.check_data(alone, 3, 0)
    with distribution.naming_lost_hosts(alone), distribution.begun(alone) as writes:
        assert writes

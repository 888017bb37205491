"""What several hosts are told by TF_CONFIG and by the chief, before they train."""

import json

import pytest

from apps import strategies
from apps.experiment import distribution
from apps.experiment.settings import Settings

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


def test_one_host_asks_nobody():
    def refuse():
        raise ValueError("no")

    alone = Settings()
    assert distribution.said_by_chief(alone, lambda: {"what": 1}) == {"what": 1}
    with pytest.raises(ValueError, match="no"):
        distribution.said_by_chief(alone, refuse)
    distribution.check_alike(alone, 3, 0)
    with distribution.naming_lost_hosts(alone), distribution.begun(alone) as writes:
        assert writes

"""Two processes that train together by TF_CONFIG on loopback, as two hosts would."""

import json
import os
import pathlib
import socket
import subprocess
import sys

import hosts_program
import numpy as np
import pytest
import tensorflow as tf

ROOT = pathlib.Path(__file__).parents[2]
LONG = 240  # seconds, for a busy machine


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def start(command, **environment):
    """A process for each of two hosts."""
    workers = [f"127.0.0.1:{port}" for port in free_ports(2)]
    hosts = []
    for index in range(2):
        config = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
        own = {"TF_CONFIG": json.dumps(config), "PYTHONPATH": f"{ROOT}:tests"}
        hosts.append(
            subprocess.Popen(
                [sys.executable, *map(str, command)],
                env={**os.environ, **environment, **own, "CUDA_VISIBLE_DEVICES": "-1"},
                cwd=ROOT,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
    return hosts


def ends(hosts):
    """Status, output and errors of every host, of which none may hang."""
    try:
        told = [host.communicate(timeout=LONG) for host in hosts]
    finally:
        for host in hosts:
            host.kill()
    return [(host.returncode, *texts) for host, texts in zip(hosts, told, strict=True)]


def run(folder, data, **environment):
    return ends(start(["tests/hosts_program.py", folder, data], **environment))


def check_equal(folder, data, alone):
    weights, losses, validated = alone
    for index in range(2):
        found = np.load(folder / f"{data}{index}.npz")
        for number, weight in enumerate(weights):
            np.testing.assert_allclose(found[f"arr_{number}"], weight, rtol=1e-4, atol=1e-6)
        left = len(found["val"])  # of a run that went on
        np.testing.assert_allclose(found["val"], validated[-left:], rtol=1e-4)
        np.testing.assert_allclose(found["loss"][-1], losses[-1], rtol=1e-4)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two runs into one folder: in the first one a host is killed, the second one goes on."""
    folder = tmp_path_factory.mktemp("hosts")
    killed = run(folder, "whole", DIES_IN="2.1")
    left = sorted(path.name for path in folder.iterdir())
    return folder, killed, left, run(folder, "whole,part,app")


def test_a_killed_host_ends_the_run_in_plain_words(runs):
    _, (chief, other), left, _ = runs
    assert other[0] == -9
    assert chief[0] == 1, chief[2][-3000:]
    assert "ConnectionError: Another host is gone" in chief[2]
    assert "Start the same command on all hosts again" in chief[2]
    assert left == ["host0"]  # the chief alone keeps checkpoints


def test_the_next_run_goes_on_and_ends_as_one_process_would_have(runs):
    folder, _, _, ended = runs
    for status, _, errors in ended:
        assert status == 0, errors[-3000:]
    alone = hosts_program.trained(tf.distribute.get_strategy(), hosts_program.whole())
    check_equal(folder, "whole", alone)
    assert len(np.load(folder / "whole0.npz")["loss"]) == 2  # the two epochs that were left


def test_hosts_with_a_part_of_the_data_each_equal_one_process_with_all_parts(runs):
    data = hosts_program.parts_together()
    alone = hosts_program.trained(tf.distribute.get_strategy(), data)
    check_equal(runs[0], "part", alone)


def exported(folder):
    variables = tf.train.load_checkpoint(str(folder / "model" / "variables" / "variables"))
    names = variables.get_variable_to_shape_map()
    return {n: variables.get_tensor(n) for n in names if n.startswith("variables_")}


def epochs(file):
    return [json.loads(line) for line in file.read_text().splitlines()]


def names_in(folder):
    return {path.name for path in folder.iterdir()}


def test_of_the_app_the_chief_alone_writes(runs):
    folder, _, _, (chief, other) = runs
    assert (folder / "app" / "model" / "saved_model.pb").is_file()
    assert (folder / "app" / "curves.json").is_file()
    assert "Look at" in chief[1]
    assert other[1] == ""


@pytest.fixture(scope="module")
def stopped(runs):
    """Two runs of the app: host 1 is killed in the first; the second is stopped, and goes on."""
    folder = runs[0]
    killed = run(folder, "killed")
    return folder, killed, (folder / "stopped" / "model").is_dir(), run(folder, "stopped")


def test_of_the_app_a_lost_host_leaves_a_model_and_checkpoints(stopped):
    _, (chief, other), exports, _ = stopped
    assert other[0] == -9
    assert chief[0] == 1, chief[2][-3000:]
    assert "ConnectionError: Another host is gone" in chief[2]
    assert "has the weights of validation" in chief[2]
    assert exports


def test_of_the_app_what_one_host_refuses_all_hosts_refuse(stopped):
    for host, (_, _, errors) in enumerate(stopped[3]):
        refused = [line for line in errors.splitlines() if line.startswith("refused: ")]
        assert len(refused) == 3, errors[-3000:]
        assert "--resume=must goes on with a run that has not ended" in refused[0]
        assert "--learning_rate=0.0001, it was" in refused[1]
        assert ("--learning_rate=0.002, on the chief" if host else "on host 1") in refused[2]
    assert names_in(stopped[0] / "none") == set()


def test_of_the_app_a_signal_to_any_host_stops_all_after_the_same_step(stopped):
    chief, other = stopped[3]
    for _, _, errors in (chief, other):
        assert (
            "stopped: 143 stopped in full_multiscale, which goes on with the same command" in errors
        )
    assert "step 1 of epoch 6, 11 steps done" in chief[1]  # where the killed run had saved
    assert "step 1 of epoch 7, 13 steps done" in chief[1]  # where the signal fell


def test_of_the_app_killed_and_stopped_hosts_end_as_if_nothing_had_happened(stopped):
    folder, _, _, ended = stopped
    for status, _, errors in ended:
        assert status == 0, errors[-3000:]
    mine, wanted = (exported(folder / name) for name in ("stopped", "app"))
    assert mine.keys() == wanted.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(mine[name], value)
    assert names_in(folder / "stopped") == names_in(folder / "app")
    for host in range(2):  # of every epoch once, and of all of its steps
        mine, wanted = (epochs(folder / f"{name}{host}.txt") for name in ("stopped", "app"))
        assert [row[0] for row in mine] == list(range(8))
        for one, other in zip(mine, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-5)

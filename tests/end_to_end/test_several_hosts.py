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
def alone():
    """What one process makes of the same data."""
    return hosts_program.trained(tf.distribute.get_strategy(), hosts_program.whole())


def test_a_killed_host_ends_the_run_and_the_next_one_goes_on_as_if_nothing_had_been(
    tmp_path, alone
):
    chief, other = run(tmp_path, "whole", DIES_IN="2")
    assert other[0] == -9
    assert chief[0] == 1, chief[2][-3000:]
    assert "ConnectionError: Another host is gone" in chief[2]
    assert "Start the same command on all hosts again" in chief[2]
    assert not list(tmp_path.glob("*.npz"))
    assert not (tmp_path / "host1").exists()  # the chief alone keeps checkpoints
    for status, _, errors in run(tmp_path, "whole"):
        assert status == 0, errors[-3000:]
    check_equal(tmp_path, "whole", alone)
    assert len(np.load(tmp_path / "whole0.npz")["loss"]) == 2  # the two epochs that were left


def test_hosts_with_a_part_of_the_data_each_equal_one_process_with_all_parts(tmp_path):
    for status, _, errors in run(tmp_path, "part"):
        assert status == 0, errors[-3000:]
    data = hosts_program.parts_together()
    alone = hosts_program.trained(tf.distribute.get_strategy(), data)
    check_equal(tmp_path, "part", alone)


def test_the_app_trains_on_two_hosts_and_the_chief_alone_writes(tmp_path):
    command = [
        *("-m", "apps.train", "--distribute=multi_worker", "--network=espcn"),
        *("--task=super_resolution", "--strategy=full_multiscale", "--batch_sizes=2,4"),
        *("--iterations=1,2", "--image_size=32", "--validation_samples=2", "--validations=1"),
        f"--output={tmp_path / 'out'}",
    ]
    chief, other = ends(start(command))
    assert chief[0] == 0, chief[2][-3000:]
    assert other[0] == 0, other[2][-3000:]
    assert (tmp_path / "out" / "model" / "saved_model.pb").is_file()
    assert "Look at" in chief[1]
    assert other[1] == ""

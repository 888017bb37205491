"""What TensorFlow writes when it starts: harmless lines are left out, everything else is shown."""

import subprocess
import sys

import pytest

from apps.experiment.starting import worth_reading

STAMP = b"2026-01-01 00:00:00.000000: "
HARMLESS = [
    b"WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n",
    b"I0000 00:00:1.1 1 port.cc:153] oneDNN custom operations are on. You may see slightly ...\n",
    STAMP + b"I tensorflow/core/platform/cpu_feature_guard.cc:210] This TensorFlow binary is "
    b"optimized to use available CPU instructions in performance-critical operations.\n",
    b"To enable the following instructions: AVX2 FMA, in other operations, rebuild TensorFlow with "
    b"the appropriate compiler flags.\n",
]
OF_NO_GPU = [
    b"E0000 00:00:1.1 1 cuda_platform.cc:52] failed call to cuInit: INTERNAL: CUDA error: "
    b"Failed call to cuInit: UNKNOWN ERROR (303)\n",
    b"I0000 00:00:1.1 1 cuda_diagnostics.cc:158] verbose logging is disabled.\n",
    b"I0000 00:00:1.1 1 cudart_stub.cc:31] Could not find cuda drivers on your machine, GPU will "
    b"not be used.\n",
]
OTHERS = [
    b"E0000 00:00:1.1 1 cuda_executor.cc:1] could not allocate memory\n",
    b"Traceback (most recent call last):\n",
    STAMP + b"F tensorflow/core/platform/cpu_feature_guard.cc:18] The TensorFlow library was "
    b"compiled to use AVX2 instructions, but these aren't available on your machine.\n",
    b"ImportError: libcudart.so.12: cannot open shared object file\n",
    b"no line end",
]


@pytest.mark.parametrize("has_gpu", [True, False])
def test_only_what_is_known_to_be_harmless_is_left_out(has_gpu):
    lines = [*HARMLESS, *OTHERS, *OF_NO_GPU]
    shown = [*OTHERS, *OF_NO_GPU] if has_gpu else OTHERS
    assert list(worth_reading(lines, has_gpu)) == shown


WRITES = """
import os, sys
from apps.experiment import starting
starting.os.path.exists = lambda path: False
with starting.harmless_lines_left_out():
    os.write(2, {lines!r})
    {end}
os.write(2, b"after, failed call to cuInit\\n")
"""


@pytest.mark.parametrize("end", ["pass", "os.abort()", "raise SystemExit(3)"])
def test_no_other_line_is_lost_though_the_program_ends(end):
    code = WRITES.format(lines=b"".join([*HARMLESS, *OF_NO_GPU, *OTHERS[:1]]), end=end)
    got = subprocess.run([sys.executable, "-c", code], capture_output=True)
    after = b"after, failed call to cuInit\n" if end == "pass" else b""
    assert got.stderr == OTHERS[0] + after
    assert (got.returncode == 0) == (end == "pass")


STARTS = """
from apps.experiment import starting
starting.load()
import tensorflow as tf
print("devices:", len(tf.config.list_physical_devices("CPU")), tf.constant(1).numpy())
"""


def test_an_app_starts_without_a_line_of_tensorflow():
    got = subprocess.run([sys.executable, "-c", STARTS], capture_output=True, text=True)
    assert got.stdout == "devices: 1 1\n"
    assert got.stderr == ""

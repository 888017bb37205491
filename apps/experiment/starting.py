"""TensorFlow loaded without lines that mean nothing, on machines without a GPU above all.

TensorFlow writes to the standard error while Python imports it, and again when it looks for
devices. Lines that are known to be harmless are left out. Everything else is passed on by a process
of its own, so that nothing is lost if the import ends the program. As a script, this file is that
process.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator

HARMLESS = (
    b"All log messages before absl::InitializeLog\\(\\) is called are written to STDERR",
    b"oneDNN custom operations are on",
    b"This TensorFlow binary is optimized to use available CPU instructions",
    b"^To enable the following instructions: .* rebuild TensorFlow with the appropriate",
    b"Unable to register cu(FFT|DNN|BLAS) factory",
    b"computation placer already registered",
)
WITHOUT_A_GPU = (
    b"failed call to cuInit",
    b"cuda_diagnostics\\.cc",
    b"Could not find cuda drivers on your machine",
    b"Could not find TensorRT",
    b"TF-TRT Warning",
    b"Cannot dlopen some GPU libraries",
    b"Skipping registering GPU devices",
)
DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/proc/driver/nvidia", "/dev/dxg")
"""What is there where a driver for NVIDIA's GPUs is, the last one in Windows's Linux."""
PATIENCE = 10.0
"""Seconds to wait for the last lines."""


def load() -> None:
    """Imports TensorFlow and has it look for devices."""
    if "tensorflow" in sys.modules:
        return
    # Lines of information alone are left out later on: warnings and errors stay.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
    with harmless_lines_left_out():
        import tensorflow as tf

        tf.config.list_physical_devices()


@contextlib.contextmanager
def harmless_lines_left_out() -> Iterator[None]:
    """Within it, the process's standard error is without lines that mean nothing."""
    gpu = "gpu" if any(map(os.path.exists, DEVICES)) else "none"
    try:
        child = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, gpu],
            stdin=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the program
        )
        kept = os.dup(2)
    except OSError:  # no more processes or files: then with all lines
        yield
        return
    assert child.stdin is not None
    try:
        os.dup2(child.stdin.fileno(), 2)
        yield
    finally:
        sys.stderr.flush()
        os.dup2(kept, 2)
        os.close(kept)
        child.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(PATIENCE)


def worth_reading(lines: Iterable[bytes], has_gpu: bool) -> Iterator[bytes]:
    """Lines without those that mean nothing.

    Args:
        lines: What TensorFlow writes.
        has_gpu: Whether there is a GPU, of which every line may be about.
    """
    harmless = HARMLESS if has_gpu else (*HARMLESS, *WITHOUT_A_GPU)
    known = re.compile(b"|".join(harmless))
    return (line for line in lines if not known.search(line))


def main() -> None:
    """Passes the standard input on to the standard error."""
    for line in worth_reading(sys.stdin.buffer, sys.argv[1:] == ["gpu"]):
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()


if __name__ == "__main__":
    main()

"""Applications of keras_ms, run as `python -m apps.NAME`."""

import os

# TensorFlow's C++ notices would drown the progress; warnings and errors stay.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")

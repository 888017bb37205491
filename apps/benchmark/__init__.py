"""Speed and memory of training steps, beside rivals: `python -m apps.benchmark`."""

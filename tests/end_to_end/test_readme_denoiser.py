"""README's ten lines, at their full length: they end in a picture that a person would keep."""

import pathlib
import re

import keras
import numpy as np
from skimage.metrics import peak_signal_noise_ratio

README = pathlib.Path(__file__).parents[2] / "README.md"


def test_the_ten_lines_restore_a_photograph(tmp_path, monkeypatch):
    block = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[0]
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    names = {}
    exec(block, names)
    clean, noisy, restored = names["others"][0], names["noisy"].astype("uint8"), names["restored"]
    assert peak_signal_noise_ratio(clean, noisy) < 20.5
    # Non-local means, told the noise, end at 30.3 dB; an unstable stage at 10 dB.
    assert peak_signal_noise_ratio(clean, restored) > 30.3
    assert np.abs(np.mean(restored - clean.astype(float), axis=(0, 1))).max() < 2.0

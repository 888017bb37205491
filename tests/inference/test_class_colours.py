import numpy as np
import pytest

import keras_ms
from keras_ms import inference
from keras_ms.inference.class_colours import bands_of, class_colours


def test_colours_by_number_are_those_of_voc_and_all_differ():
    found = class_colours(21, 21)
    assert found[:4] == ("#000000", "#800000", "#008000", "#808000")
    assert len(set(class_colours(256, 256))) == 256


def test_colours_of_pairs_are_taken():
    given = np.array([[0, 0, 0], [255, 0, 7]], "uint8")
    np.testing.assert_array_equal(bands_of(class_colours(given, 2)), given)
    assert class_colours(("black", (0, 255, 0)), 2) == ("#000000", "#00ff00")


@pytest.mark.parametrize(
    ("classes", "match"),
    [
        (2, "Received: 2 classes, a model of 3 outputs. Use classes=3"),
        (["red"] * 4, "Received: 4 classes"),
        ("red", "how many there are"),
        (True, "how many there are"),
        (["red", "blue", "nothing"], "Received: 'nothing'"),
        (["red", "blue", (0, 0, 256)], "three numbers from 0 to 255"),
    ],
)
def test_what_is_no_list_of_the_classes_is_refused(classes, match):
    with pytest.raises(ValueError, match=match):
        class_colours(classes, 3)


def test_classes_go_with_scores_alone(tmp_path):
    network = keras_ms.networks.ResNet(width=4, depth=1)
    with pytest.raises(ValueError, match="Use output='raw'"):
        inference.export(network, tmp_path / "model", classes=3)

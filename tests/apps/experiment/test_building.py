import numpy as np
import pytest
import tifffile

from apps.experiment import building
from apps.experiment.settings import Settings
from apps.experiment.sheets import shown


def deep_folder(tmp_path, bands=1):
    rng = np.random.default_rng(0)
    for number in range(4):
        pixels = rng.integers(0, 65536, (20, 24, bands)).astype(np.uint16)
        shaped = pixels[..., 0] if bands == 1 else pixels
        tifffile.imwrite(tmp_path / f"{number}.tif", shaped, photometric="minisblack")
    return tmp_path


@pytest.mark.parametrize(("bands", "option"), [(1, None), (5, None), (1, 3)])
def test_networks_have_the_bands_of_the_folder(tmp_path, bands, option):
    folder = str(deep_folder(tmp_path, bands))
    settings = Settings(
        dataset="folder", data_dir=folder, bands=option, width=4, depth=1, image_size=16
    )
    wanted = option or bands
    images = list(building.load_images(settings, "train"))
    assert {image.shape for image in images} == {(20, 24, wanted)}
    network = building.make_network(settings)
    assert network.input.shape[-1] == network.output.shape[-1] == wanted
    assert shown(images[0]).shape == (20, 24, 3)


def test_values_limits_and_bad_images_are_said_by_flags(tmp_path):
    folder = str(deep_folder(tmp_path))
    settings = Settings(dataset="folder", data_dir=folder, value_range=(0.0, 131070.0))
    images = list(building.load_images(settings, "train"))
    assert images[0].dtype == np.float32
    assert 0.4 < images[0].max() <= 0.5
    small = Settings(dataset="folder", data_dir=folder, max_megapixels=4e-4)
    with (
        pytest.warns(UserWarning, match="--max_megapixels"),
        pytest.raises(ValueError, match="No readable image"),
    ):
        list(building.load_images(small, "train"))
    strict = Settings(
        dataset="folder", data_dir=folder, image_size=16, batch_sizes=(2,), max_bad_fraction=0.2
    )
    mixed = [np.zeros((16, 16, 1), np.uint8)] * 3 + [np.zeros((9, 9, 1), np.uint8)]
    with pytest.raises(ValueError, match=r"1 of 4 images.*max_bad_fraction=0\.2"):
        building.make_dataset(strict, mixed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": 0}, "--bands must be positive"),
        ({"bands": 1}, "--bands goes with --dataset=folder"),
        ({"value_range": (0.0, 1.0)}, "--value_range goes with --dataset=folder"),
        ({"value_range": (1.0, 0.0)}, "--value_range is two numbers"),
        ({"value_range": (1.0,)}, "--value_range is two numbers"),
        ({"max_megapixels": 0.0}, "--max_megapixels must be positive"),
        ({"max_bad_fraction": 1.5}, "--max_bad_fraction is a number from 0 to 1"),
    ],
)
def test_senseless_options_of_folders_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Settings(**options)

import pytest

from apps.benchmark.settings import BenchmarkSettings, batch_sizes

TINY = {
    "width": 4,
    "image_size": 16,
    "batch_sizes": (2, 4),
    "sizes": (16, 32),
    "depths": (1, 2),
    "rounds": 2,
    "seconds_per_round": 0.01,
    "stage_steps": 2,
    "limit": 3,
}


def test_batches_have_as_many_pixels_on_every_image_size():
    settings = BenchmarkSettings(
        **{**TINY, "batch_sizes": (16, 32), "image_size": 128, "sizes": (64,)}
    )
    assert batch_sizes(settings, 128, 3) == (16, 32, 64)
    assert batch_sizes(settings, 64, 2) == (16, 32)  # no larger than they are meant to be
    assert batch_sizes(settings, 256, 2) == (4, 8)
    assert batch_sizes(settings, 2048, 2) == (1, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measures": ("luck",)}, "Received: luck"),
        ({"measures": ()}, "--measures"),
        ({"sizes": (20,), "depths": (4,)}, "--sizes"),
        ({"sizes": (16,), "depths": (4,)}, "--sizes"),
        ({"sizes": ()}, "--sizes"),
        ({"depths": (0,)}, "--depths"),
        ({"rounds": 0}, "--rounds"),
        ({"seconds_per_round": 0.0}, "--seconds_per_round"),
        ({"stage_steps": 3}, "--stage_steps"),
        ({"pair_width": 0}, "--pair_width"),
        ({"pair_batch_sizes": ()}, "--pair_batch_sizes: Batch sizes are positive"),
        ({"pair_batch_sizes": (1,) * 7}, r"--pair_batch_sizes: .*at most 6 levels"),
        ({"run_work_units": 1.0}, "--run_work_units"),
        ({"run_rounds": 0}, "--run_rounds"),
        ({"loss": "ssim"}, "--loss=ssim"),
        ({"target": 0.0}, "--target"),
        ({"rates": (float("inf"),)}, "--rates"),
        ({"seeds": (1, 1)}, "--seeds"),
    ],
)
def test_senseless_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        BenchmarkSettings(**{**TINY, **options})

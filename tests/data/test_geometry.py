import pytest

from keras_ms.data import geometry


@pytest.mark.parametrize(
    ("coarsening", "steps"),
    [
        ("task", ("coarsen", "coarsen", "coarsen")),
        ("degrade_first", ("coarsen", "coarsen", "coarsen")),
        ("crop", ("crop", "crop", "crop")),
        ("coarsen_and_crop", ("coarsen", "crop", "coarsen")),
    ],
)
def test_transitions_of_every_coarsening(coarsening, steps):
    assert geometry.transitions(coarsening, 4) == steps
    assert geometry.transitions(coarsening, 2) == steps[:1]
    assert geometry.transitions(coarsening, 1) == ()


def test_every_coarsening_is_covered_here():
    assert set(geometry.COARSENINGS) == {"task", "degrade_first", "crop", "coarsen_and_crop"}
    assert set(geometry.OFFERED) == {geometry.AUTO, *geometry.COARSENINGS}


def test_unknown_coarsening_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"coarsening='resize'.*coarsen_and_crop.*task"):
        geometry.transitions("resize", 3)


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        (("coarsen",) * 3, [(0, 64, 0), (1, 32, 0), (2, 16, 0), (3, 8, 0)]),
        (("crop",) * 3, [(0, 64, 0), (0, 32, 16), (0, 16, 24), (0, 8, 28)]),
        (("coarsen", "crop", "coarsen"), [(0, 64, 0), (1, 32, 0), (1, 16, 8), (2, 8, 4)]),
        (("crop", "coarsen", "crop"), [(0, 64, 0), (0, 32, 16), (1, 16, 8), (1, 8, 12)]),
    ],
)
def test_windows_of_64_pixels_by_hand(steps, wanted):
    for dims in (1, 2, 3):
        windows = geometry.windows((64,) * dims, steps)
        assert windows == tuple(
            geometry.Window(level, (side,) * dims, (offset,) * dims)
            for level, side, offset in wanted
        )


def test_axes_are_cropped_each_by_its_own_side():
    windows = geometry.windows((32, 64), ("coarsen", "crop"))
    assert windows[-1] == geometry.Window(1, (8, 16), (4, 8))


@pytest.mark.parametrize("steps", [("coarsen",) * 2, ("crop",) * 2, ("coarsen", "crop")])
def test_every_step_halves_every_side(steps):
    assert [window.sides for window in geometry.windows((32, 48), steps)] == [
        (32, 48),
        (16, 24),
        (8, 12),
    ]


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        (("coarsen", "coarsen"), [(0, 32, 0), (1, 16, 0), (2, 8, 0)]),
        (("crop", "crop"), [(0, 32, 0), (0, 16, 8), (0, 8, 12)]),
        (("coarsen", "crop"), [(0, 32, 0), (1, 16, 0), (1, 8, 4)]),
    ],
)
def test_frames_of_a_video_are_seen_by_every_level(steps, wanted):
    windows = geometry.windows((5, 32, 32), steps, axes=(1, 2))
    assert windows == tuple(
        geometry.Window(level, (5, side, side), (0, offset, offset))
        for level, side, offset in wanted
    )


def test_crops_must_be_whole_only_along_the_axes_that_are_cropped():
    steps = ("crop", "coarsen", "crop")
    assert geometry.windows((7, 32), steps, (1,))[-1].sides == (7, 4)
    for axes in (None, (0,), (0, 1)):
        with pytest.raises(ValueError, match=r"whole pixels.*image size \(7, 32\)"):
            geometry.windows((7, 32), steps, axes)
    with pytest.raises(ValueError, match=r"Received: axes=\(2,\)"):
        geometry.windows((7, 32), steps, (2,))

import dataclasses
import warnings

import numpy as np
import pytest

from keras_ms import Levels
from keras_ms.levels import Stage, pair_costs

PAPER = (16, 32, 64, 128)
HALVING = (250, 500, 1000, 2000)


def test_default_is_the_papers_hierarchy():
    assert Levels() == Levels(PAPER, spatial_dims=None, spatial_axes=None)
    assert Levels().num_levels == 4


@pytest.mark.parametrize(("finest", "units"), [(0, 37.0), (1, 17.0), (2, 7.0), (3, 2.0)])
def test_one_iteration_by_finest_active_level(finest, units):
    assert Levels(PAPER).work_units(finest) == units


def test_single_scale_puts_every_sample_on_the_finest_mesh():
    assert Levels(PAPER).single_scale_work_units() == 240.0
    assert 2000 * Levels(PAPER).single_scale_work_units() == 480_000
    assert 2000 * Levels((1, 2, 4, 8)).single_scale_work_units() == 30_000


@pytest.mark.parametrize(
    ("batch_sizes", "per_iteration", "total"),
    [
        (PAPER, 37.0, 74_000),
        ((1, 2, 4, 8), 37 / 16, 4_625),
        ((16, 32, 64), 34.0, 68_000),
        ((16, 32), 28.0, 56_000),
        ((16,), 16.0, 32_000),
    ],
)
def test_multiscale_budget(batch_sizes, per_iteration, total):
    assert Levels(batch_sizes).work_units() == per_iteration
    assert 2000 * Levels(batch_sizes).work_units() == total


@pytest.mark.parametrize(
    ("batch_sizes", "iterations", "total"),
    [
        (PAPER, HALVING, 28_750),
        (PAPER, (2000,) * 4, 126_000),
        ((1, 2, 4, 8), (2000,) * 4, 7_875),
        ((16, 32, 64), HALVING[:3], 19_500),
        ((16, 32), HALVING[:2], 11_000),
    ],
)
def test_full_multiscale_budget(batch_sizes, iterations, total):
    assert Levels(batch_sizes).full_multiscale_work_units(iterations) == total


@pytest.mark.parametrize(
    ("batch_sizes", "stages"), [((16, 32, 64), [34.0, 14.0, 4.0]), ((16, 32), [28.0, 8.0])]
)
def test_stages_of_shorter_hierarchies(batch_sizes, stages):
    levels = Levels(batch_sizes)
    assert [levels.work_units(finest) for finest in range(levels.num_levels)] == stages


TABLE_1 = [
    ((512,), 512),
    ((16, 496), 528),
    ((16, 32, 464), 560),
    ((16, 32, 64, 400), 624),
    ((16, 32, 64, 128, 272), 752),
]


@pytest.mark.parametrize(("batch_sizes", "evaluations"), TABLE_1)
def test_table_1_counts_evaluations_of_512_images(batch_sizes, evaluations):
    assert sum(batch_sizes) == 512
    assert Levels(batch_sizes).evaluations() == evaluations


def test_table_1_work_units_promise_more_than_the_clock_gave():
    single, multiscale = 1709.06, 527.58  # seconds, finest mesh, 5 levels
    assert round(single / multiscale, 2) == 3.24
    levels = Levels(TABLE_1[-1][0])
    assert levels.work_units() == 38.5625
    assert round(levels.single_scale_work_units() / levels.work_units(), 1) == 13.3


@pytest.mark.parametrize(
    ("spatial_dims", "costs", "units"),
    [
        (1, [1, 1 / 2, 1 / 4], 16 * 3 / 2 + 32 * 3 / 4 + 64 / 4),
        (2, [1, 1 / 4, 1 / 16], 34.0),
        (3, [1, 1 / 8, 1 / 64], 16 * 9 / 8 + 32 * 9 / 64 + 64 / 64),
    ],
)
def test_cost_of_an_image_falls_by_two_to_the_dimension(spatial_dims, costs, units):
    levels = Levels((16, 32, 64), spatial_dims)
    assert [levels.sample_work_units(level) for level in range(3)] == costs
    assert levels.work_units() == units


def test_without_telescoping_a_step_is_a_plain_batch_of_its_level():
    levels = Levels(PAPER)
    assert [levels.work_units(s, telescoping=False) for s in range(4)] == [16.0, 8.0, 4.0, 2.0]
    assert levels.full_multiscale_work_units(HALVING, telescoping=False) == 16_000


def test_mesh_sizes_halve():
    assert Levels(PAPER).mesh_sizes(128) == ((128, 128), (64, 64), (32, 32), (16, 16))
    assert Levels((1, 2)).mesh_sizes((32, 48)) == ((32, 48), (16, 24))
    assert Levels((1, 2), 1).mesh_sizes(16) == ((16,), (8,))
    assert Levels((1, 2), 3).mesh_sizes([16, 32, 64]) == ((16, 32, 64), (8, 16, 32))
    assert Levels((1, 2)).mesh_sizes(np.int64(16)) == ((16, 16), (8, 8))


def test_one_level_takes_any_size():
    assert Levels((4,)).mesh_sizes((1, 5)) == ((1, 5),)


@pytest.mark.parametrize(
    ("image_size", "message"),
    [
        (100, r"divisible by .*8.*Received: levels=4, image size \(100, 100\).*\(96, 96\)"),
        ((8, 8, 8, 8), r"1, 2 or 3 positive integer sides.*Received: image_size=\(8, 8, 8, 8\)"),
        (0, "positive integer sides.*Received: image_size=0"),
        (-64, "positive integer sides.*Received: image_size=-64"),
        (56, r"Too many levels.*Received: levels=4, image size \(56, 56\).*at most 3 levels"),
        ((128, 16), r"Too many levels.*Received: levels=4, image size \(128, 16\).*at most 2"),
        (7, r"Too many levels.*at most 1 levels"),
    ],
)
def test_image_sizes_that_do_not_fit_are_refused(image_size, message):
    with pytest.raises(ValueError, match=message):
        Levels(PAPER).mesh_sizes(image_size)


def test_most_levels_named_is_accepted_and_one_more_refused():
    assert len(Levels((1, 2, 3)).mesh_sizes(56)) == 3
    assert Levels(PAPER).mesh_sizes(64)[-1] == (8, 8)


@pytest.mark.parametrize("batch_sizes", [(), (0,), (16, -1), (16, 2.5), 16, None, (16, "32")])
def test_batch_sizes_that_are_not_positive_integers_are_refused(batch_sizes):
    with pytest.raises(ValueError, match="positive integers") as error:
        Levels(batch_sizes)
    assert f"Received: batch_sizes={batch_sizes!r}" in str(error.value)


@pytest.mark.parametrize("spatial_dims", [0, 4, "2", True, 2.0])
def test_unknown_dimension_is_refused(spatial_dims):
    with pytest.raises(ValueError, match=f"Received: spatial_dims={spatial_dims!r}"):
        Levels((1, 2), spatial_dims)


@pytest.mark.parametrize("level", [-1, 4, 0.5])
def test_levels_that_do_not_exist_are_refused(level):
    with pytest.raises(ValueError, match=f"Received: level={level}"):
        Levels(PAPER).work_units(level)


def test_a_schedule_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match=r"Received: iterations=\(250, 500\) for 4 levels"):
        Levels(PAPER).full_multiscale_work_units((250, 500))


def test_a_negative_number_of_iterations_is_refused():
    with pytest.raises(ValueError, match=r"none negative. Received: iterations=\(-1, 2\)"):
        Levels((2, 4)).full_multiscale_work_units((-1, 2))


@pytest.mark.parametrize("image_size", [16.0, "16", (16.0, 16), None, (), 0, -16, (16, 16, 16)])
def test_image_sizes_that_are_not_positive_integers_are_refused(image_size):
    with pytest.raises(ValueError, match=r"2 positive integer sides. Received: image_size="):
        Levels((2, 4), spatial_dims=2).mesh_sizes(image_size)
    if image_size != (16, 16, 16):
        with pytest.raises(ValueError, match=r"2 or 3 positive integer sides. Received: image_"):
            Levels((2, 4)).mesh_sizes(image_size)


def test_numpy_sizes_are_taken():
    assert Levels((np.int64(2), 4)).mesh_sizes(np.array([16, 32])) == ((16, 32), (8, 16))


@pytest.mark.parametrize("batch_sizes", [(32, 16), (128, 64, 32, 16)])
def test_coarsest_first_warns_at_the_callers_line(batch_sizes):
    mended = str(batch_sizes[::-1])
    with pytest.warns(UserWarning, match="finest first") as record:
        Levels(batch_sizes)
    assert record[0].filename == __file__
    assert f"Did you mean {mended}?" in str(record[0].message)


@pytest.mark.parametrize(
    "batch_sizes", [PAPER, (16,), (16, 16), (1, 1, 2, 41), (8, 3, 40), (32, 16, 16)]
)
def test_orders_that_an_allocation_may_have_do_not_warn(batch_sizes):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Levels(batch_sizes)


def test_one_table_of_costs():
    assert pair_costs((3.0, 2.0, 0.5)) == ((3.0, 5.0), (2.0, 2.5), (0.5, 0.5))
    levels = Levels(PAPER[:3])
    assert levels.sample_costs() == ((1.0, 1.25), (0.25, 0.3125), (0.0625, 0.0625))
    assert levels.sample_costs(1) == levels.sample_costs()[1:]


def test_a_stage_has_the_control_weights_of_its_dataset_unless_it_says_more():
    assert Stage(1, (4, 8)).control_weights == ()
    assert Stage(1, (4, 8), (0.5,)) != Stage(1, (4, 8))


def test_levels_are_immutable_and_hashable():
    levels = Levels([16, 32])
    assert levels.batch_sizes == (16, 32)
    assert hash(levels) == hash(Levels((16, 32)))
    for name, value in (("batch_sizes", (1,)), ("spatial_dims", 3), ("spatial_axes", (0,))):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(levels, name, value)

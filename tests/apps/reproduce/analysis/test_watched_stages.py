import pytest

from apps.reproduce.analysis import stages


def test_errors_are_noted_before_the_first_step_of_a_level_and_after_every_epoch():
    now = iter(range(10))
    watch = stages.Watch(lambda epoch: 1 if epoch < 2 else 0, lambda level: 10 * level + next(now))
    for epoch in range(3):
        watch.on_epoch_begin(epoch)
        watch.on_epoch_end(epoch)
    assert watch.errors == {1: [10, 11, 12], 0: [3, 4]}


def test_iterations_to_a_fixed_error():
    cold, hot = [8.0, 4.0, 2.0, 3.0], [3.0, 2.5, 2.2, 2.1]
    goal = stages.fixed_error(cold, 0.1)
    assert goal == pytest.approx(2.2)
    assert stages.iterations_until(cold, goal, every=25) == 50
    assert stages.iterations_until(hot, 3.0, every=25) == 0
    assert stages.iterations_until(hot, 1.0, every=25) is None

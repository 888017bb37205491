import pytest

import keras_ms
from apps.experiment import budget
from apps.experiment.settings import Settings


def test_stretched_keeps_proportions_within_the_budget():
    levels = keras_ms.Levels((16, 32, 64, 128))
    costs = [levels.work_units(stage) for stage in range(4)]
    iterations = budget.stretched((250, 500, 1000, 2000), costs, 14375.0, "")
    assert iterations == (125, 250, 500, 1000)
    assert levels.full_multiscale_work_units(iterations) == 14375.0


def test_stretched_never_overspends():
    costs = (37.0, 17.0, 7.0, 2.0)
    for spend in (63, 64, 100, 1000, 12345):
        iterations = budget.stretched((1, 2, 4, 8), costs, spend, "")
        assert min(iterations) >= 1
        if spend >= 115:
            assert sum(n * c for n, c in zip(iterations, costs, strict=True)) <= spend


def test_what_a_budget_pays_for_is_spent():
    costs = (4.25, 1.75, 0.5)
    for spend in (10, 20, 30, 40, 60, 70, 80, 90, 224, 243.75, 1000):
        for wanted, of in (((25, 50, 100), costs), ((200,), (4.25,)), ((200,), (1.0,))):
            plan = budget.cut_into_epochs(
                budget.stretched(wanted, of, spend, ""), of, 4, exactly=False
            )
            spent = sum(n * cost for n, cost in zip(plan.iterations, of, strict=True))
            assert spent <= spend
            assert spend - spent < max(of) + budget.UNSPENT * spend


def test_a_stage_that_gets_its_only_step_does_not_overspend():
    assert budget.stretched((1, 100), (10.0, 1.0), 20.0, "") == (1, 10)
    assert budget.stretched((1, 100, 100), (10.0, 1.0, 0.5), 20.0, "") == (1, 7, 6)


def test_stretched_skips_a_stage_asked_to_be_skipped():
    assert budget.stretched((1, 0, 2), (4.0, 2.0, 1.0), 60.0, "")[1] == 0


def test_a_budget_too_small_is_named_with_what_to_do():
    match = r"takes 63 work units. Received: --work_units=10. Give more work units, or"
    with pytest.raises(budget.BudgetError, match=match):
        budget.stretched((1, 1, 1, 1), (37.0, 17.0, 7.0, 2.0), 10.0, "--work_units=10")


def test_steps_that_are_asked_for_are_kept_exactly():
    for iterations, steps in (
        ((250, 500, 1000, 2000), 50),
        ((50, 101, 203, 407), 1),
        ((1000,), 25),
    ):
        plan = budget.cut_into_epochs(iterations, (1.0,) * len(iterations), 40)
        assert (plan.iterations, plan.steps_per_epoch) == (iterations, steps)
        assert plan.epochs == sum(iterations) // steps


def test_steps_of_a_budget_are_rounded_down_where_epochs_would_be_tiny():
    plan = budget.cut_into_epochs((50, 101, 203, 407), (9.25, 4.25, 1.75, 0.5), 40, exactly=False)
    assert (plan.iterations, plan.steps_per_epoch) == ((50, 100, 200, 400), 10)
    plan = budget.cut_into_epochs((250, 500, 1000, 2000), (37.0, 17.0, 7.0, 2.0), 40, exactly=False)
    assert (plan.iterations, plan.steps_per_epoch) == ((250, 500, 1000, 2000), 50)


def test_validations_are_spread_over_the_cost_and_end_with_the_run():
    plan = budget.cut_into_epochs((800,), (16.0,), 40)
    assert plan.steps_per_epoch == 20
    assert plan.validation_epochs == list(range(1, 41))
    plan = budget.cut_into_epochs((50, 100, 200, 400), (9.25, 4.25, 1.75, 0.5), 40)
    assert plan.validation_epochs[-1] == plan.epochs
    assert len(plan.validation_epochs) <= 40


def test_a_single_step_is_a_plan():
    plan = budget.cut_into_epochs((1,), (16.0,), 40)
    assert (plan.epochs, plan.validation_epochs) == (1, [1])


def test_no_run_is_too_long_to_be_planned_at_once():
    plan = budget.cut_into_epochs((10**9 - 1, 1), (4.0, 1.0), 4)
    assert (len(plan.validation_epochs), plan.validation_epochs[-1]) == (4, 10**9)


@pytest.mark.parametrize(
    "options", [{"iterations": (10**20, 1)}, {"work_units": 1e30}, {"validations": 10**10}]
)
def test_runs_without_end_are_refused(options):
    with pytest.raises(ValueError, match=r"No run is longer.* Received: "):
        Settings(**options)

"""In which precision to train: as asked, or as measured on this machine."""

from __future__ import annotations

import dataclasses

import keras

from keras_ms.networks import single_precision

from . import building, distribution
from .problem import Problem
from .timing import interleaved, kept_in_memory, ratio, training_step

AUTO = "auto"
PLAIN, MIXED = "float32", "mixed_bfloat16"
WORTH_IT = 0.9
BATCH, LARGEST = 4, 128  # images of so many pixels a side at most are timed


def set_policy(problem: Problem) -> str:
    """Sets the dtype policy of all models to come.

    With `--dtype_policy=auto` steps of the problem's own network are timed, and bfloat16 is taken
    where it saves a tenth of them or more. Weights, sums and losses are float32 in both.

    Args:
        problem: The problem.

    Returns:
        Name of the policy.
    """
    chosen = problem.dtype_policy
    if chosen == AUTO and distribution.name_of(problem) != "none":
        chosen = PLAIN
        print(f"{chosen}: precision is not measured on several devices; see --dtype_policy")
    if chosen == AUTO:
        part = _time_in_bfloat16(problem)
        chosen = MIXED if part < WORTH_IT else PLAIN
        print(f"{chosen}: a step in bfloat16 takes {part:.2f} of one in float32", flush=True)
    keras.config.set_dtype_policy(chosen)
    return chosen


def _time_in_bfloat16(problem: Problem) -> float:
    problem = dataclasses.replace(problem, image_size=min(problem.image_size, LARGEST))
    black = building.kind_of(problem).black()
    dataset = building.make_dataset(problem, black, levels=(BATCH,))
    steps = {}
    for name in (PLAIN, MIXED):
        with single_precision.policy(name):
            model = building.make_model(problem, problem.learning_rate)
            stream = dataset.stage().map(lambda batch: batch.fine[0])
            steps[name] = training_step(model, kept_in_memory(stream))
    timed = interleaved(steps, rounds=3, seconds_per_round=0.3)
    return ratio(timed[MIXED], timed[PLAIN])

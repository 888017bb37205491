"""What a run is known by, and what has changed since it was saved."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

_LONGEST = 100  # letters of a value that is shown


def traits_of(model: Any, run: Any, callbacks: Sequence[Any] = ()) -> dict[str, Any]:
    """What must be the same for a `fit` to go on.

    Args:
        model: The model in training.
        run: The run of its `fit`, or `None` on other data than a `MultiscaleDataset`.
        callbacks: Those of the `fit`, some of which have `traits`.
    """
    traits = _traits_of_optimizer(getattr(model, "optimizer", None))
    for own in (getattr(callback, "traits", None) for callback in callbacks):
        traits |= own if isinstance(own, dict) else {}
    if run is None:
        return traits
    dataset = run.dataset
    return {
        **traits,
        "steps_per_epoch": dataset.steps_per_epoch,
        "stages": [list(stage) for stage in run.stages],
        "mesh_sizes": dataset.mesh_sizes,
        "coarsening": dataset.coarsening,
        "telescoping": dataset.telescoping,
        "seed": dataset.seed,
        **({} if dataset.shard is None else {"shards": dataset.shard.parts}),
    }


def _traits_of_optimizer(optimizer: Any) -> dict[str, Any]:
    """Its class, and all that it was made with, such as the rate that training starts with.

    One that scales losses counts as the one within, with a few options more.
    """
    try:
        made = dict(optimizer.get_config())
    except Exception:  # an optimizer of one's own need not say
        made = {}
    inner, kind = getattr(optimizer, "inner_optimizer", None), type(optimizer).__name__
    traits = {
        "optimizer": kind,
        **{f"optimizer.{name}": value for name, value in _unnamed(made).items()},
    }
    if inner is None:
        return traits
    traits.pop("optimizer.inner_optimizer", None)
    theirs = _traits_of_optimizer(inner)
    return {**traits, **theirs, "optimizer": f"{kind} of {theirs['optimizer']}"}


def _unnamed(made: Any) -> Any:
    """Without names: Keras counts them, so the same script run again in a notebook has others."""
    if isinstance(made, Mapping):
        return {key: _unnamed(value) for key, value in made.items() if key != "name"}
    return [_unnamed(value) for value in made] if isinstance(made, list | tuple) else made


def changes(
    before: Mapping[str, Any], now: Mapping[str, Any], free: Collection[str] = ()
) -> list[str]:
    """What differs, each as `name=new, it was old`; of dictionaries, what differs in them.

    Args:
        before: Values by name, as they come back from JSON.
        now: Values by name.
        free: Names that may differ.

    Example:
        >>> changes({"width": 8, "sizes": [2, 4]}, {"width": 16, "sizes": (2, 4)})
        ['width=16, it was 8']
        >>> changes({"rate": {"first": 0.1, "steps": 9}}, {"rate": {"first": 0.1, "steps": 7}})
        ['rate.steps=7, it was 9']
    """
    found: list[str] = []
    for name in (name for name in dict.fromkeys((*now, *before)) if name not in free):
        new, old = (plain(of.get(name)) for of in (now, before))
        if isinstance(new, dict) and isinstance(old, dict):
            prefix = f"{name}."
            within = [other.removeprefix(prefix) for other in free if other.startswith(prefix)]
            found += [f"{prefix}{line}" for line in changes(old, new, within)]
        elif new != old:
            found.append(f"{name}={_shown(new)}, it was {_shown(old)}")
    return found


def plain(value: Any) -> Any:
    """A value as it comes back from JSON; what JSON lacks, as text."""
    return json.loads(json.dumps(value, default=str))


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."

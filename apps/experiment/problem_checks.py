"""Which options of a problem go together."""

from __future__ import annotations

from typing import Any

from .option_names import (
    FOLDER_OPTIONS,
    NETWORK_OPTIONS,
    NOISE_OPTIONS,
    PAIR_OPTIONS,
    TASK_OPTIONS,
)
from .options import check_choice, has_several_problems, listed


def check(settings: Any) -> None:
    """Refuses options of a `Problem` that do not go with others.

    Raises:
        ValueError: Naming them.
    """
    _check_data(settings)
    _check_pairs(settings)
    _check_classes(settings)
    _check_names(settings)
    _check_fraction(settings)
    _check_enlarging(settings)
    _check_folder(settings)


def _check_names(settings: Any) -> None:
    import keras_ms

    check_choice(settings, "dataset", keras_ms.data.sources.names())
    tasks, networks = keras_ms.tasks.names(), keras_ms.networks.names()
    if has_several_problems(settings):  # which are checked one by one
        for name, known in (("tasks", tasks), ("networks", networks)):
            if hasattr(settings, name):
                check_choice(settings, name, known)
        return
    _check_known(settings, task=tasks, network=networks)
    of_network = keras_ms.networks.options(settings.network)
    learned = "pairs of your own" if settings.target_dir else settings.task
    of_task = () if settings.target_dir else keras_ms.tasks.options(settings.task)
    if "masks" in of_task:
        of_task += ("holes",)
    _check_options(settings, (*TASK_OPTIONS, *NOISE_OPTIONS), of_task, learned)
    if settings.holes is not None and settings.max_rectangles is not None:
        raise ValueError(
            "--max_rectangles goes with the rectangles of the task, not with --holes. Received: "
            f"--max_rectangles={settings.max_rectangles}, --holes={','.join(settings.holes)}."
        )
    _check_options(settings, (*NETWORK_OPTIONS, "conditional"), of_network, settings.network)
    if "t_range" not in of_task:
        _check_options(settings, ("t_low", "t_high"), (), learned)


def _check_known(settings: Any, **known: tuple[str, ...]) -> None:
    """Refuses names that nothing has; a module of the user's is asked when it is imported."""
    from keras_ms.registry import is_own

    for name, names in known.items():
        if not is_own(getattr(settings, name)):
            check_choice(settings, name, names)


def _check_data(settings: Any) -> None:
    if settings.target_dir is not None:
        return
    given = settings.data_dir is not None
    if settings.dataset == "folder" and not given:
        raise ValueError(
            "--dataset=folder needs --data_dir. Received: --dataset=folder, no --data_dir. "
            "Use --data_dir=FOLDER."
        )
    if settings.dataset == "photos" and given:
        raise ValueError(
            "--data_dir is not for the photographs that are taken without it. Received: "
            f"--data_dir={settings.data_dir}. Add --dataset=folder, or --target_dir=FOLDER for "
            "pairs of your own."
        )


def _check_pairs(settings: Any) -> None:
    if settings.target_dir is None:
        for name in PAIR_OPTIONS:
            if (value := getattr(settings, name)) not in (None, ""):
                shown = listed(value) if isinstance(value, tuple) else value
                raise ValueError(
                    f"--{name} goes with --target_dir. Received: --{name}={shown}, no --target_dir."
                )
    elif settings.data_dir is None or settings.dataset not in ("photos", "folder"):
        raise ValueError(
            "--target_dir goes with --data_dir, the folder of the inputs, and no --dataset. "
            f"Received: --target_dir={settings.target_dir}, --data_dir={settings.data_dir}, "
            f"--dataset={settings.dataset}."
        )
    if (settings.val_data_dir is None) != (settings.val_target_dir is None):
        raise ValueError(
            "--val_data_dir and --val_target_dir go together. Received: "
            f"--val_data_dir={settings.val_data_dir}, --val_target_dir={settings.val_target_dir}."
        )
    normalised = settings.mean is not None or settings.std is not None
    if settings.target_dir and (normalised or "task" in (settings.given or ())):
        raise ValueError(
            "Pairs of your own have no --task, and are not normalised by --mean and --std. "
            f"Received: --target_dir={settings.target_dir} with one of these. Leave them out, or "
            "--target_dir."
        )


def _check_classes(settings: Any) -> None:
    of_classes = settings.classes is not None
    if of_classes and settings.target_range is not None:
        raise ValueError(
            "--target_range is for targets that are pictures, not for masks. Received: "
            f"--target_range={listed(settings.target_range)}, --classes={settings.classes}."
        )
    if settings.loss is not None and of_classes != (settings.loss == "crossentropy"):
        raise ValueError(
            "--loss=crossentropy goes with --classes, and others do not. "
            f"Received: --loss={settings.loss}, --classes={settings.classes}."
        )


def _check_fraction(settings: Any) -> None:
    if not 0.0 <= settings.max_bad_fraction <= 1.0:
        raise ValueError(
            "--max_bad_fraction is a number from 0 to 1. Received: "
            f"--max_bad_fraction={settings.max_bad_fraction:g}."
        )


def _check_enlarging(settings: Any) -> None:
    given = settings.given is None or "enlarged_by" in settings.given  # not the preset's
    if given and settings.enlarged_by is not None and settings.dataset != "stl10":
        raise ValueError(
            f"--enlarged_by goes with --dataset=stl10. Received: --dataset={settings.dataset}, "
            f"--enlarged_by={settings.enlarged_by}."
        )


def _check_folder(settings: Any) -> None:
    taken = settings.dataset == "folder"
    for name in FOLDER_OPTIONS:
        value = getattr(settings, name)
        if value is not None and not (taken or settings.target_dir is not None):
            raise ValueError(
                f"--{name} goes with --dataset=folder, or with --target_dir. Received: "
                f"--dataset={settings.dataset}, no --target_dir, --{name}={value}."
            )


def _check_options(settings: Any, names: tuple[str, ...], taken: tuple[str, ...], by: str) -> None:
    for name in names:
        value = getattr(settings, name)
        if settings.given is not None and name not in settings.given:
            continue  # the preset's, which is left out where it is no option
        if value not in (None, False) and name not in taken:
            raise ValueError(f"--{name} is no option of {by}. Received: --{name}={value}.")

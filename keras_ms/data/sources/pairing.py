"""Which file of one folder belongs to which of another."""

from __future__ import annotations

import collections
import pathlib
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

from keras_ms.data.skipped import first_level_outside
from keras_ms.data.sources.image_files import found, passed_over

Path = pathlib.Path
SHOWN = 5


class Paired(NamedTuple):
    """Pairs of files, and files without one.

    Attributes:
        pairs: `(input, target)`, sorted by input.
        inputs: Inputs without a target.
        targets: Targets without an input.
    """

    pairs: list[tuple[Path, Path]]
    inputs: list[Path]
    targets: list[Path]


def in_folders(
    inputs: str | Path, targets: str | Path, input_suffix: str, target_suffix: str
) -> Paired:
    """Pairs the pictures of two folders, of which one may lie in the other, or be the other.

    Raises:
        ValueError: As `paired`, and if a folder is missing or has no picture.
    """
    roots = [Path(folder).expanduser().resolve() for folder in (inputs, targets)]
    of_inputs, of_targets = (_pictures(root) for root in roots)
    if roots[0] == roots[1]:
        of_inputs, of_targets = _told_apart(of_inputs, input_suffix, target_suffix)
    elif roots[0] in roots[1].parents:
        of_inputs = [file for file in of_inputs if roots[1] not in file.parents]
    elif roots[1] in roots[0].parents:
        of_targets = [file for file in of_targets if roots[0] not in file.parents]
    return paired((roots[0], of_inputs), (roots[1], of_targets), input_suffix, target_suffix)


def _pictures(root: Path) -> list[Path]:
    under = found(root)
    if under.passed_over:
        text = f"In {str(root)!r} {passed_over(under.passed_over)}"
        warnings.warn(text, stacklevel=first_level_outside())
    return under.pictures


def _told_apart(
    files: Sequence[Path], input_suffix: str, target_suffix: str
) -> tuple[list[Path], list[Path]]:
    """Inputs and targets of one folder. The longer suffix goes first: all names end in ""."""
    if input_suffix == target_suffix:
        raise ValueError(
            "In one folder, names tell inputs from targets. Received: the same folder twice, "
            f"input_suffix={input_suffix!r}, target_suffix={target_suffix!r}. Use for example "
            "target_suffix='_mask'."
        )
    shorter, longer = sorted((input_suffix, target_suffix), key=len)
    of_longer = [file for file in files if file.stem.endswith(longer)]
    others = sorted(set(files) - set(of_longer))
    of_shorter = [file for file in others if file.stem.endswith(shorter)]
    return (of_shorter, of_longer) if longer == target_suffix else (of_longer, of_shorter)


def paired(
    inputs: tuple[Path, Sequence[Path]],
    targets: tuple[Path, Sequence[Path]],
    input_suffix: str = "",
    target_suffix: str = "",
) -> Paired:
    """Pairs files of the same name: folders below the root, and the stem without its suffix.

    Where no file has a partner in the same folder, the stem alone has to agree.

    Args:
        inputs: A root folder and files below it.
        targets: Likewise.
        input_suffix: What stems of inputs end in, such as `"_image"`. Other files are left out.
        target_suffix: What stems of targets end in, such as `"_mask"`.

    Raises:
        ValueError: If an input has two candidates, or nothing has a partner.
    """
    both = Paired([], [], [])
    for key in (_by_path, _by_stem):
        of_inputs = _by_key(*inputs, input_suffix, key)
        of_targets = _by_key(*targets, target_suffix, key)
        if of_inputs.keys() & of_targets.keys():
            both = _matched(of_inputs, of_targets)
            break
    if not both.pairs:
        _refuse(inputs, targets, input_suffix, target_suffix)
    return both


def check_matched(both: Paired, max_unmatched: float) -> None:
    """Warns of files without a partner, or refuses them if they are too many.

    Args:
        both: What was paired.
        max_unmatched: The greatest part of the inputs that may be without a target.

    Raises:
        ValueError: If more are.
    """
    total = len(both.pairs) + len(both.inputs)
    if len(both.inputs) > max_unmatched * total:
        raise ValueError(
            f"{len(both.inputs)} of {total} inputs have no target. Received: "
            f"{_listed(both.inputs)} without, and targets without input: "
            f"{_listed(both.targets)}. Use `input_suffix` and `target_suffix` if names end "
            f"differently, or a larger max_unmatched, which is {max_unmatched:g}."
        )
    if both.inputs or both.targets:
        warnings.warn(
            f"{len(both.pairs)} pairs; left out are {len(both.inputs)} inputs without target "
            f"({_listed(both.inputs)}) and {len(both.targets)} targets without input "
            f"({_listed(both.targets)}).",
            stacklevel=first_level_outside(),
        )


def _by_path(root: Path, file: Path, suffix: str) -> str:
    parent = file.relative_to(root).parent
    return (parent / _by_stem(root, file, suffix)).as_posix()


def _by_stem(root: Path, file: Path, suffix: str) -> str:
    return file.stem.removesuffix(suffix)


Key = Callable[[Path, Path, str], str]


def _by_key(root: Path, files: Sequence[Path], suffix: str, key: Key) -> dict[str, list[Path]]:
    found = collections.defaultdict(list)
    for file in files:
        if file.stem.endswith(suffix):
            found[key(root, file, suffix)].append(file)
    return found


def _matched(inputs: dict[str, list[Path]], targets: dict[str, list[Path]]) -> Paired:
    for name in inputs.keys() & targets.keys():
        if len(inputs[name]) > 1 or len(targets[name]) > 1:
            raise ValueError(
                "A file has more than one partner. Received: inputs "
                f"{_listed(inputs[name])}, targets {_listed(targets[name])}. Remove some, or use "
                "`input_suffix` and `target_suffix` to say which are meant."
            )
    return Paired(
        sorted((files[0], targets[name][0]) for name, files in inputs.items() if name in targets),
        sorted(file for name in inputs.keys() - targets.keys() for file in inputs[name]),
        sorted(file for name in targets.keys() - inputs.keys() for file in targets[name]),
    )


def _refuse(
    inputs: tuple[Path, Sequence[Path]],
    targets: tuple[Path, Sequence[Path]],
    input_suffix: str,
    target_suffix: str,
) -> None:
    stems = {file.stem for file in inputs[1]}
    endings = {
        target.stem.removeprefix(stem)
        for target in targets[1][:100]
        for stem in stems
        if target.stem != stem and target.stem.startswith(stem)
    }
    hint = "A target has the name of its input, but for its format and `target_suffix`."
    if endings:
        hint = f"Use target_suffix={min(endings, key=len)!r}."
    raise ValueError(
        f"No input has a target of its name. Received: inputs {_listed(inputs[1])} with "
        f"input_suffix={input_suffix!r}, targets {_listed(targets[1])} with "
        f"target_suffix={target_suffix!r}. {hint}"
    )


def _listed(files: Sequence[Path]) -> str:
    if not files:
        return "none"
    return ", ".join(map(str, files[:SHOWN])) + (", ..." if len(files) > SHOWN else "")

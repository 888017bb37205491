"""Which file of one folder belongs to which of another."""

from __future__ import annotations

import collections
import pathlib
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

from keras_ms.data.skipped import first_level_outside
from keras_ms.data.sources.image_files import found, passed_over
from keras_ms.validation import is_number, path_of, shown

Path = pathlib.Path
SHOWN = 5


class Affix(NamedTuple):
    """What stems of inputs, or of targets, begin and end in; other files are left out."""

    prefix: str = ""
    suffix: str = ""

    def checked(self, of: str) -> Affix:
        """Itself, if both are text.

        Args:
            of: What it is of, `"input"` or `"target"`.

        Raises:
            ValueError: If one is not.
        """
        if not all(isinstance(part, str) for part in self):
            raise ValueError(
                f"`{of}_prefix` and `{of}_suffix` are text. Received: "
                f"{of}_prefix={self.prefix!r}, {of}_suffix={self.suffix!r}."
            )
        return self

    def fits(self, file: Path) -> bool:
        """Whether a name begins and ends so."""
        least = len(self.prefix) + len(self.suffix)
        ends = file.stem.startswith(self.prefix) and file.stem.endswith(self.suffix)
        return ends and len(file.stem) >= least

    def core(self, file: Path) -> str:
        """The stem without."""
        return file.stem.removeprefix(self.prefix).removesuffix(self.suffix)


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
    inputs: str | Path, targets: str | Path, of_input: Affix, of_target: Affix
) -> Paired:
    """Pairs the pictures of two folders, of which one may lie in the other, or be the other.

    Raises:
        ValueError: As `paired`, and if a folder is missing or has no picture.
    """
    given = path_of(inputs, "inputs"), path_of(targets, "targets")
    roots = [folder.expanduser().resolve() for folder in given]
    of_inputs, of_targets = (_pictures(root) for root in roots)
    if roots[0] == roots[1]:
        of_inputs, of_targets = _told_apart(of_inputs, of_input, of_target)
    elif roots[0] in roots[1].parents:
        of_inputs = [file for file in of_inputs if roots[1] not in file.parents]
    elif roots[1] in roots[0].parents:
        of_targets = [file for file in of_targets if roots[0] not in file.parents]
    return paired((roots[0], of_inputs), (roots[1], of_targets), of_input, of_target)


def _pictures(root: Path) -> list[Path]:
    under = found(root)
    if under.passed_over:
        text = f"In {str(root)!r} {passed_over(under.passed_over)}"
        warnings.warn(text, stacklevel=first_level_outside())
    return under.pictures


def _told_apart(
    files: Sequence[Path], of_input: Affix, of_target: Affix
) -> tuple[list[Path], list[Path]]:
    """Inputs and targets of one folder. The longer affixes go first: all names end in ""."""
    if of_input == of_target:
        raise ValueError(
            "In one folder, names tell inputs from targets. Received: the same folder twice, "
            f"input_suffix={of_input.suffix!r}, target_suffix={of_target.suffix!r}. Use for "
            "example target_suffix='_mask', or target_prefix='mask_'."
        )
    shorter, longer = sorted((of_input, of_target), key=lambda affix: len("".join(affix)))
    of_longer = [file for file in files if longer.fits(file)]
    others = sorted(set(files) - set(of_longer))
    of_shorter = [file for file in others if shorter.fits(file)]
    return (of_shorter, of_longer) if longer == of_target else (of_longer, of_shorter)


def paired(
    inputs: tuple[Path, Sequence[Path]],
    targets: tuple[Path, Sequence[Path]],
    of_input: Affix,
    of_target: Affix,
) -> Paired:
    """Pairs files of the same name: folders below the root, and the stem without its affixes.

    Where no file has a partner in the same folder, the stem alone has to agree. What has no
    partner otherwise may have one whose name differs in capitals.

    Args:
        inputs: A root folder and files below it.
        targets: Likewise.
        of_input: What stems of inputs begin and end in.
        of_target: What stems of targets begin and end in.

    Raises:
        ValueError: If an input has two candidates, or nothing has a partner.
    """
    both = Paired([], [], [])
    for key in (_by_path, _by_stem):
        both = _matched(_by_key(*inputs, of_input, key), _by_key(*targets, of_target, key))
        if both.pairs:
            return both
    raise _refused(inputs, targets, of_input, of_target)


def check_share(max_unmatched: float) -> None:
    """Raises `ValueError` unless it is a number from 0 to 1."""
    if not is_number(max_unmatched) or not 0.0 <= max_unmatched <= 1.0:
        raise ValueError(
            f"`max_unmatched` is a number from 0 to 1. Received: "
            f"max_unmatched={shown(max_unmatched)}."
        )


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
            "differently, `input_prefix` and `target_prefix` if they begin so, or a larger "
            f"max_unmatched, which is {max_unmatched:g}."
        )
    if both.inputs or both.targets:
        warnings.warn(
            f"{len(both.pairs)} pairs; left out are {len(both.inputs)} inputs without target "
            f"({_listed(both.inputs)}) and {len(both.targets)} targets without input "
            f"({_listed(both.targets)}).",
            stacklevel=first_level_outside(),
        )


def _by_path(root: Path, file: Path, affix: Affix) -> str:
    parent = file.relative_to(root).parent
    return (parent / affix.core(file)).as_posix()


def _by_stem(root: Path, file: Path, affix: Affix) -> str:
    return affix.core(file)


Key = Callable[[Path, Path, Affix], str]
Keyed = dict[str, list[Path]]


def _by_key(root: Path, files: Sequence[Path], affix: Affix, key: Key) -> Keyed:
    found = collections.defaultdict(list)
    for file in files:
        if affix.fits(file):
            found[key(root, file, affix)].append(file)
    return found


def _matched(inputs: Keyed, targets: Keyed) -> Paired:
    exact = _same(inputs, targets)
    left, free = (
        _folded({name: files for name, files in side.items() if name not in exact})
        for side in (inputs, targets)
    )
    folded = _same(left, free)
    rest = [
        sorted(file for name, files in side.items() if name not in folded for file in files)
        for side in (left, free)
    ]
    return Paired(sorted([*exact.values(), *folded.values()]), rest[0], rest[1])


def _folded(files: Keyed) -> Keyed:
    """Files by names in small letters."""
    found: Keyed = collections.defaultdict(list)
    for name, of_name in files.items():
        found[name.casefold()] += of_name
    return found


def _same(inputs: Keyed, targets: Keyed) -> dict[str, tuple[Path, Path]]:
    """Pairs by name, of names on both sides."""
    both = inputs.keys() & targets.keys()
    for name in both:
        if len(inputs[name]) > 1 or len(targets[name]) > 1:
            raise ValueError(
                "A file has more than one partner. Received: inputs "
                f"{_listed(inputs[name])}, targets {_listed(targets[name])}. Remove some, or use "
                "`input_suffix` and `target_suffix` to say which are meant."
            )
    return {name: (inputs[name][0], targets[name][0]) for name in both}


def _refused(
    inputs: tuple[Path, Sequence[Path]],
    targets: tuple[Path, Sequence[Path]],
    of_input: Affix,
    of_target: Affix,
) -> ValueError:
    given = {
        f"{side}_{kind}": part
        for side, affix in (("input", of_input), ("target", of_target))
        for kind, part in affix._asdict().items()
        if part or kind == "suffix"
    }
    shown = ", ".join(f"{name}={part!r}" for name, part in given.items())
    return ValueError(
        f"No input has a target of its name. Received: inputs {_listed(inputs[1])}, targets "
        f"{_listed(targets[1])}, {shown}. {_hint(inputs[1], targets[1])}"
    )


def _hint(inputs: Sequence[Path], targets: Sequence[Path]) -> str:
    """What the longer names of one side have more than those of the other."""
    sides = {"target": (inputs, targets), "input": (targets, inputs)}
    for name, (shorter, longer) in sides.items():
        stems = {file.stem for file in shorter}
        more = [(stem, file.stem) for file in longer[:100] for stem in stems if stem != file.stem]
        ends = {one.removeprefix(stem) for stem, one in more if one.startswith(stem)}
        starts = {one.removesuffix(stem) for stem, one in more if one.endswith(stem)}
        for kind, affixes in (("suffix", ends), ("prefix", starts)):
            if affixes:
                return f"Use {name}_{kind}={min(affixes, key=len)!r}."
    return (
        "A target has the name of its input, but for its format and for `input_prefix`, "
        "`input_suffix`, `target_prefix` and `target_suffix`."
    )


def _listed(files: Sequence[Path]) -> str:
    if not files:
        return "none"
    return ", ".join(map(str, files[:SHOWN])) + (", ..." if len(files) > SHOWN else "")

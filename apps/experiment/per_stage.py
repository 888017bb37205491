"""Steps per stage that nobody asked for: they fit themselves to the levels that there are."""

from __future__ import annotations

from fractions import Fraction


class Fitting(tuple[int, ...]):
    """Steps of each stage, finest first, of a default or a preset.

    What a user gives is a plain tuple and taken at its word. A default cannot know how many levels
    a user wants, so it says proportions, and how many steps the coarsest stage takes.
    """

    def fitted(self, num_levels: int) -> tuple[int, ...]:
        """Steps of the stages of so many levels, finest first.

        The finest stages keep their proportions, further ones go on as the last two do, and the
        coarsest takes as many steps as before: there a network learns most of what it learns.

        Args:
            num_levels: Number of levels, 1 or more.

        Example:
            >>> Fitting((250, 500, 1000, 2000)).fitted(2)
            (1000, 2000)
            >>> Fitting((250, 500, 1000, 2000)).fitted(5)
            (125, 250, 500, 1000, 2000)
        """
        if num_levels == len(self):
            return tuple(self)
        counts = self._continued(num_levels)
        scale = self[-1] / counts[-1]
        if min(counts) * scale < 1:  # proportions matter more than the number of steps
            scale = 1 / min(counts)
        return tuple(round(count * scale) for count in counts)

    def _continued(self, num_levels: int) -> list[Fraction]:
        """The finest stages as they are, and further ones in the proportion of the last two."""
        ratio = Fraction(self[-1], self[-2])
        counts = [Fraction(count) for count in self[:num_levels]]
        while len(counts) < num_levels:
            counts.append(counts[-1] * ratio)
        return counts


class FittingFromFinest(Fitting):
    """As `Fitting`, but it is the finest stages that keep their steps: so the paper counts."""

    def fitted(self, num_levels: int) -> tuple[int, ...]:
        """Steps of the stages of so many levels, finest first.

        Args:
            num_levels: Number of levels, 1 or more.

        Example:
            >>> FittingFromFinest((250, 500, 1000, 2000)).fitted(3)
            (250, 500, 1000)
        """
        return tuple(round(count) for count in self._continued(num_levels))

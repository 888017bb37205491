"""Sources that raise while they are gone through."""

import itertools

import pytest
from numbered_pairs import pair, read

from keras_ms.data.inputs import examples_of


def broken_at(number, count=8):
    for k in range(count):
        if k == number:
            raise RuntimeError("the disk is gone")
        yield pair(k)


class Shelf:
    """Goes on after an error, as loaders of PyTorch do."""

    def __init__(self, bad, count=8):
        self.bad, self.count = bad, count

    def __iter__(self):
        return map(self.read, range(self.count))

    def read(self, number):
        if number in self.bad:
            raise OSError("truncated")
        return pair(number)


@pytest.mark.parametrize("source", [lambda: broken_at(3), broken_at(3), (k for k in broken_at(3))])
def test_a_generator_that_raises_has_ended_and_says_where(source):
    passes = examples_of(source).passes()
    assert [name for name, _ in itertools.islice(passes, 3)] == ["0", "1", "2"]
    with pytest.raises(ValueError, match=r"element 3: RuntimeError: the disk is gone") as raised:
        next(passes)
    assert isinstance(raised.value.__cause__, RuntimeError)


def test_what_is_read_once_does_not_end_early_in_a_second_pass():
    examples = examples_of(broken_at(3))
    for _ in range(2):
        with pytest.raises(ValueError, match="element 3"):
            list(examples.passes())


def test_the_first_example_of_a_generator_may_be_the_broken_one():
    with pytest.raises(ValueError, match="element 0: RuntimeError"):
        examples_of(lambda: broken_at(0))


def test_an_iterator_that_goes_on_loses_what_it_cannot_read():
    found = read(examples_of(Shelf(bad=(0, 4))))
    bad = {name: str(one) for name, one in found if isinstance(one, ValueError)}
    assert list(bad) == ["0", "4"]
    assert "OSError: truncated" in bad["4"]
    assert len(found) == 8


def test_an_iterator_that_ends_with_an_error_may_have_more():
    with pytest.raises(ValueError, match="element 7: OSError: truncated"):
        read(examples_of(Shelf(bad=(7,))))
    counted = Shelf(bad=(7,))
    type(counted).__len__ = lambda self: self.count
    assert len(read(examples_of(counted))) == 8
    del Shelf.__len__


def test_memory_that_runs_out_is_no_fault_of_an_example():
    def hungry():
        yield pair(0)
        raise MemoryError("no more")

    with pytest.raises(MemoryError, match="no more"):
        read(examples_of(hungry))

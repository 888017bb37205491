"""What people have in their hands: arrays, datasets, generators, files; examples are made of it.

What `keras_ms.MultiscaleDataset` takes without a task, and how it is read:

- A tuple `(x, y)` or `(x, y, sample_weight)` of arrays, HDF5 datasets, memory maps, or structures
  of them: first axes count examples. A list of arrays is a list of examples, of any sizes, or the
  arrays of several inputs, whichever fits the lengths of the others. A list of paths is read.
- `tf.data.Dataset` of such tuples, or of dictionaries whose columns `x`, `y` and `sample_weight`
  name; `keras.utils.PyDataset`; a generator function, which can begin anew; a generator object,
  which is read once and kept; a sequence or another iterable, such as those of PyTorch and Hugging
  Face.
- `keras_ms.data.FolderPairs`, and anything else with a method `examples()`.

Batches are taken apart. They are known by a `.batch()` in the dataset, or by one axis more than an
image and its channels have; where that cannot be told, they are refused. A bad example does not end
a pass: it comes out as the `ValueError` that says why.
"""

from keras_ms.data.inputs.any_input import examples_of

__all__ = ["examples_of"]

"""Where images come from, and the pipeline that makes per-level batches of them."""

from keras_ms.data.batch import MultiscaleBatch
from keras_ms.data.evaluation import evaluation_pairs
from keras_ms.data.folder import folder, image_files, read_image
from keras_ms.data.multiscale_dataset import MultiscaleDataset
from keras_ms.data.photos import photos

__all__ = [
    "MultiscaleBatch",
    "MultiscaleDataset",
    "evaluation_pairs",
    "folder",
    "image_files",
    "photos",
    "read_image",
]

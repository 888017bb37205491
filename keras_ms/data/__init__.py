"""Where images come from, and the pipeline that makes per-level batches of them."""

from keras_ms.data import sources
from keras_ms.data.batch import MultiscaleBatch
from keras_ms.data.evaluation import evaluation_pairs
from keras_ms.data.layer_augmentation import photometric
from keras_ms.data.multiscale_dataset import MultiscaleDataset
from keras_ms.data.sources import Source
from keras_ms.data.sources.celeb_a import celeb_a
from keras_ms.data.sources.folder import FolderImages, folder, image_files, read_image
from keras_ms.data.sources.folder_pairs import FolderPairs
from keras_ms.data.sources.photos import photos
from keras_ms.data.sources.stl10 import stl10
from keras_ms.data.sources.urban100 import urban100, urban100_pairs

__all__ = [
    "FolderImages",
    "FolderPairs",
    "MultiscaleBatch",
    "MultiscaleDataset",
    "Source",
    "celeb_a",
    "evaluation_pairs",
    "folder",
    "image_files",
    "photometric",
    "photos",
    "read_image",
    "sources",
    "stl10",
    "urban100",
    "urban100_pairs",
]

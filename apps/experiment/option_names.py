"""Names of options that go together."""

SSIMS = ("ssim", "authors_ssim")
LOSSES = ("mse", "mae", "ssim", "authors_ssim", "crossentropy")
TASK_OPTIONS = ("sigma", "border", "max_rectangles", "scale", "holes")
ENLARGED_BY = ("bilinear", "nearest")
MIRRORED, MULTI_WORKER = "mirrored", "multi_worker"
DISTRIBUTIONS = ("none", MIRRORED, MULTI_WORKER)
FOLDER_OPTIONS = ("bands", "value_range")
NOISE_OPTIONS = ("conditional", "keep_contrast")
PAIR_OPTIONS = (
    "target_dir",
    "classes",
    "void",
    "target_range",
    "input_suffix",
    "target_suffix",
    "input_prefix",
    "target_prefix",
    "val_data_dir",
    "val_target_dir",
)
NETWORK_OPTIONS = ("width", "multipliers", "depth", "dropout", "normalization", "residual")

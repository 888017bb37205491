"""Names of options that go together."""

LOSSES = ("mse", "mae", "ssim", "crossentropy")
TASK_OPTIONS = ("sigma", "border", "max_rectangles", "scale", "holes")
FOLDER_OPTIONS = ("bands", "value_range")
NOISE_OPTIONS = ("conditional", "keep_contrast")
PAIR_OPTIONS = (
    "target_dir",
    "classes",
    "void",
    "input_suffix",
    "target_suffix",
    "val_data_dir",
    "val_target_dir",
)
NETWORK_OPTIONS = ("width", "multipliers", "depth", "dropout", "normalization", "residual")

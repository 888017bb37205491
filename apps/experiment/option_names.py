"""Names of options that go together."""

LOSSES = ("mse", "mae", "ssim", "crossentropy")
TASK_OPTIONS = ("sigma", "border", "max_rectangles", "scale")
FOLDER_OPTIONS = ("bands", "value_range")
NOISE_OPTIONS = ("conditional", "keep_contrast")
PAIR_OPTIONS = ("target_dir", "classes", "void", "input_suffix", "target_suffix")
NETWORK_OPTIONS = ("width", "depth", "dropout", "normalization", "residual")

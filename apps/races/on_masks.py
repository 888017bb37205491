"""What races on masks have in common: levels, and options of networks."""

from __future__ import annotations

from .ways import Options

IMAGE_SIZE = 192
BATCH_SIZES = (2, 4, 8)

# Statistics by group are others on crops than on whole pictures, yet by pixel a U-Net hardly learns
# masks: a cross-entropy of 1.87 on whole CamVid pictures after 160 steps, against 1.39.
_BY_GROUP: Options = {"normalization": "group", "dropout": 0.0}

NETWORKS: dict[str, Options] = {
    "unet": {"width": 16, "multipliers": (1, 2, 4, 8), **_BY_GROUP},
    "unet5": {"width": 8, **_BY_GROUP},
    "resnet": {"width": 32},
    "resnet18_encoder": {"width": 16},
    "resnet50_encoder": {"width": 16},
    "mobilenet_v2_encoder": {"width": 16},
}
"""Options of networks; others have their own defaults."""

"""Variance, bias and cost by level, and the advice that follows."""

from keras_ms.diagnostics.diagnose import diagnose
from keras_ms.diagnostics.report import LevelReport

__all__ = ["LevelReport", "diagnose"]

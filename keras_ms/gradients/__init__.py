"""One model on one level: terms of the telescoping sum, traces, gradients per sample, moments."""

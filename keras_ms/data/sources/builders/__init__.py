"""Builders of TensorFlow Datasets. Importing one registers it, and imports TensorFlow Datasets."""

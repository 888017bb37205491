"""What `fit` does: the model, the run of a `fit`, schedules and callbacks."""

"""The private Keras names that keras_ms rests on, all of them, tested against the pinned range."""

"""How a model of any kind leaves: receptive field, tiles, picture files."""

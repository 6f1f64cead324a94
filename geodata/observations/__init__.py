"""Observations: what sensors say, from the wire to the store, with a verdict on every value."""

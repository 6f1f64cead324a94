"""What can be asked for: collections of cities' datasets and of results, prepared for fast answers."""

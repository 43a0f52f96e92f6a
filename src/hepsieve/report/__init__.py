"""A run folder as one HTML page, and its results as tables."""

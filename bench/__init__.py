"""What is fast, measured against the usual way in the same run: ``python -m bench NAME``."""

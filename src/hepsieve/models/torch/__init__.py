"""Models in native PyTorch; importing a module of this package imports torch."""

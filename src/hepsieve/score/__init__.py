"""Score new files with a trained model, and hand it on to other programs."""

"""Models in native Keras 3, on the torch backend unless ``KERAS_BACKEND`` says otherwise."""

from __future__ import annotations

import os

# Keras reads this once, when it is first imported. The file ~/.keras/keras.json is no user's choice:
# Keras itself writes it, with TensorFlow in it.
os.environ.setdefault("KERAS_BACKEND", "torch")
# TensorFlow, where it is chosen, greets with a screenful of notes.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

"""Model configurations to untrained models, and trained models to scores."""

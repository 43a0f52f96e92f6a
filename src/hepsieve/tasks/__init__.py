"""The built-in tasks, one YAML file each."""

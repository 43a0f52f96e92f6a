"""The portfolios of tasks that have none of their own, one YAML file for each kind of data."""

"""What every simulation asks of a request before it begins."""

from __future__ import annotations

from hepsieve.engines import Jobs
from hepsieve.errors import HepsieveError


def check_request(rows: int, seed: int, jobs: Jobs) -> None:
    """Refuse numbers that no simulation can use.

    Raises:
        HepsieveError: naming the number, its value and what to take.
    """
    if rows < 2:
        raise HepsieveError(f"rows is {rows}; simulate at least 2, one of each class")
    if seed < 0:
        raise HepsieveError(f"seed is {seed}; take a number from 0")
    if isinstance(jobs, int) and jobs < 1:
        raise HepsieveError(f"jobs is {jobs}; take at least 1")

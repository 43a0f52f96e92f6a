"""The mistakes that a user can mend: each carries the one line that is shown."""


class HepsieveError(Exception):
    """A mistake with a remedy; the command line prints its one line and exits with status 2."""


class ConfigError(HepsieveError):
    """A configuration that can't be used: names file, line, column and the nearest valid key."""


class DataError(HepsieveError):
    """A file that can't be read as asked: names the file, the row or column, and what was found."""


class IntegrityError(HepsieveError):
    """A folder whose content does not match its manifest."""


class AuditStop(HepsieveError):
    """A finding in the data that no result could survive."""


class TrainingError(HepsieveError):
    """A training that went wrong: names the epoch and the batch."""


class WorkerLost(HepsieveError):
    """A piece of work whose workers died."""


class MissingExtra(HepsieveError):
    """An optional dependency that is not installed: names the command that installs it."""


def install_hint(package: str, extra: str) -> MissingExtra:
    """The error for a missing optional package.

    >>> str(install_hint("xgboost", "trees"))
    "xgboost is not installed; pip install 'hepsieve[trees]' brings it"
    """
    return MissingExtra(f"{package} is not installed; pip install 'hepsieve[{extra}]' brings it")

"""The version of this installation."""

import importlib.metadata


def version() -> str:
    """The version in the package's metadata; `?` for a copy that was never installed."""
    try:
        return importlib.metadata.version("glassgate")
    except importlib.metadata.PackageNotFoundError:
        return "?"

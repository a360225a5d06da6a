"""The version of this installation."""

import importlib.metadata


def version() -> str:
    """As the package says it; `?` for a copy that was never installed."""
    try:
        return importlib.metadata.version("glassgate")
    except importlib.metadata.PackageNotFoundError:
        return "?"

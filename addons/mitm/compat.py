"""The check of mitmproxy's version."""

from importlib.metadata import version as installed_version

FITTING_MITMPROXY = "12.2."


class UnfitMitmproxy(RuntimeError):
    """The installed mitmproxy is not one this layer was made for."""


def check_mitmproxy() -> None:
    """Raises UnfitMitmproxy when the inner classes of the installed version may differ from those used here."""
    found = installed_version("mitmproxy")
    if not found.startswith(FITTING_MITMPROXY):
        raise UnfitMitmproxy(
            f"mitmproxy {found} is installed, but Glassgate's stream layer is made for {FITTING_MITMPROXY}x. "
            "Install the locked version: ./run_proxy.sh does it, or pip install --no-deps -r requirements.lock."
        )

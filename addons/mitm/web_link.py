"""The link that opens mitmweb: written once, to who started the gateway, and in no log record.

`glassgate web` makes the password and hands the link over in the environment, which other users cannot read.
"""

import os
import sys
from typing import Final

WEB_URL: Final = "GLASSGATE_WEB_URL"


def print_link() -> None:
    """Writes the link under the lines of the start, as one of them. It is taken out of the environment."""
    if link := os.environ.pop(WEB_URL, ""):
        sys.stderr.write(f"  {'inspector':<9}  {link}\n")
        sys.stderr.flush()


def address_to_print(web_port: int | None) -> str:
    """The address of mitmweb without its password; empty where `print_link` will say it all, or there is none."""
    return f"http://127.0.0.1:{web_port}" if web_port and not os.environ.get(WEB_URL) else ""

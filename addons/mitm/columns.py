"""The columns of mitmweb's flow list: the summary first, which mitmweb does not show by itself."""

from typing import Final

from mitmproxy.options import Options

SUMMARY_FIRST: Final = ("timestamp", "comment", "status", "time")


def show_summaries(options: Options) -> None:
    """Shows each flow's comment in mitmweb's list, unless the person has chosen the columns."""
    if "web_columns" in options.keys() and not options.has_changed("web_columns"):  # noqa: SIM118  (no mapping)
        options.update(web_columns=list(SUMMARY_FIRST))

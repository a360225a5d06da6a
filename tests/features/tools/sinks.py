"""A sink that notes what it is told."""

from addons.features.tools.toolbox import Tool


class Noted:
    """`calls` as [name, arguments so far]; `sources` are the texts of blocks whose calls were told."""

    def __init__(self) -> None:
        self.said = ""
        self.calls: list[list[str]] = []
        self.sources: list[str] = []
        self.broken = 0

    def text(self, text: str) -> None:
        assert text
        self.said += text

    def call(self, tool: Tool) -> None:
        self.calls.append([tool.name, ""])

    def arguments(self, fragment: str) -> None:
        self.calls[-1][1] += fragment

    def breaks_off(self) -> None:
        self.broken += 1

    def taken(self, source: str) -> None:
        self.sources.append(source)

"""Tools for tests."""

from typing import Any, Final

from addons.features.tools.toolbox import Tool, Toolbox

CITY: Final[dict[str, Any]] = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER: Final = Tool("get_weather", None, "The weather of a city.", CITY)
BASH: Final = Tool("Bash", "shell_run", "", {"type": "object", "properties": {"command": {"type": "string"}}})


def toolbox(choice: str = "auto", *, parallel: bool = True) -> Toolbox:
    return Toolbox([WEATHER, BASH], choice, parallel)


def given(name: str, parameters: Any = CITY, **more: Any) -> dict[str, Any]:
    """A tool as a client gives it."""
    return {"type": "function", "function": {"name": name, "parameters": parameters, **more}}

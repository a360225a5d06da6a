import pytest

from addons.features.tools.toolbox import BadToolbox, Tool, Toolbox
from tests.features.tools.reading import TOOLS, boxed
from tests.support.counting import work_of


def named(*names: str) -> Toolbox:
    return Toolbox([Tool(name, None, "", {}) for name in names])


def test_a_tool_is_found_by_name_or_alias_exactly() -> None:
    toolbox = boxed()
    assert toolbox.find("Bash") is toolbox.find("shell_run") is TOOLS[4]
    assert toolbox.find("bash") is None


@pytest.mark.parametrize(
    ("name", "known", "near"),
    [
        pytest.param("get_wether", ("get_weather", "list"), "get_weather", id="a letter too few"),
        pytest.param("Get-Weather", ("get_weather",), "get_weather", id="case and joints"),
        pytest.param("get_weathers", ("get_weather_a", "get_weather_b"), None, id="could be two"),
        pytest.param("write", ("read", "list"), None, id="none is near"),
        pytest.param("functions.get_weather", ("get_weather",), None, id="a name of a space before it"),
        pytest.param("x" * 200, ("x" * 120,), None, id="too long"),
    ],
)
def test_a_near_name_is_taken_where_there_is_one(name: str, known: tuple[str, ...], near: str | None) -> None:
    found = named(*known).near(name)
    assert (found.name if found else None) == near


def test_a_name_and_its_alias_are_one_tool() -> None:
    assert boxed(tools=[Tool("shell_runs", "shell_run", "", {})]).near("shel_run") is not None


def test_so_many_names_are_compared_and_no_more() -> None:
    toolbox = named(*(f"tool_number_{number}" for number in range(100)))

    def ask(count: int) -> None:
        for number in range(count):
            toolbox.near(f"other_{number}")

    ask(50)
    assert work_of(lambda: ask(1000))[1] < 20_000


@pytest.mark.parametrize(
    "tools",
    [
        [Tool(f"t{number}", None, "", {}) for number in range(600)],
        [Tool("t", None, "", {"enum": ["a" * 3_000_000]})],
        [Tool("t" * 200, None, "", {})],
    ],
)
def test_what_is_too_much_is_refused(tools: list[Tool]) -> None:
    with pytest.raises(BadToolbox):
        Toolbox(tools)


def test_a_schema_that_is_none_fits_nothing_and_says_so() -> None:
    broken = Tool("t", None, "", {"type": "nothing"})
    toolbox = Toolbox([broken])
    assert not toolbox.fits(broken, {})
    assert "is no JSON schema" in str(toolbox.flaw(broken, {}))


def test_what_does_not_fit_is_told_in_a_sentence() -> None:
    toolbox = boxed()
    assert toolbox.flaw(TOOLS[0], {"path": "a"}) is None
    assert "path" in str(toolbox.flaw(TOOLS[0], {}))


def test_near_names_among_many_long_ones_are_looked_for_a_few_times() -> None:
    long = "abcdefgh" * 14
    many = Toolbox([Tool(f"{long}{number:03}", None, "", {}) for number in range(200)])
    _, first = work_of(lambda: many.near(f"{long}xyz"))
    _, later = work_of(lambda: [many.near(f"{long}{number:03}x") for number in range(30)])
    assert later < 3 * first

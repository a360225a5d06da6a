"""Neutral names for tools."""

from hypothesis import given
from hypothesis import strategies as st

from addons.features.tools.aliases import aliases_of

NAMES = st.sampled_from(["Bash", "bash", "Read", "u_x", "x", "shell_run", "shell_run_2", "Agent", "Task", "TodoWrite"])


def test_names_that_sites_have_too_get_others() -> None:
    assert aliases_of(["Bash", "Read", "todo_write", "get_weather"]) == [
        "shell_run",
        "fs_open_file",
        "plan_write",
        "u_get_weather",
    ]


@given(st.lists(st.one_of(NAMES, st.text(min_size=1, max_size=3)), unique=True, max_size=12))
def test_each_is_told_by_a_name_that_is_nobody_elses(names: list[str]) -> None:
    aliases = aliases_of(names)
    assert len({*aliases, *names}) == len(aliases) + len(names)
    assert aliases == aliases_of(names)

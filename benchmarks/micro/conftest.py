"""Shows what a benchmark has worked out of its time: MB/s, events/s."""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    session = getattr(config, "_benchmarksession", None)
    for one in session.benchmarks if session else ():
        if one.extra_info:
            told = ", ".join(f"{value:,} {name}" for name, value in one.extra_info.items())
            terminalreporter.write_line(f"{one.name}: {told}")

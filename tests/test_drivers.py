"""Which wire tests run over which driver of plain HTTP/1.1 clients."""

import ast
from pathlib import Path

import pytest
import yaml

from tests.support.drivers import COUNTED, ENV_NAME, OTHER, TWICE, VISITED_TWICE, drivers_of, visits_of
from tests.support.processes import Gateway

WIRE = Path(__file__).parent / "wire"


def chosen(choice: str, file: str, test: str = "test_x") -> list[str | None]:
    return [param.values[0] for param in drivers_of(choice, file, test)]


@pytest.mark.parametrize(
    ("choice", "file", "drivers"),
    [
        ("short", "test_loops.py", [None, OTHER]),
        ("short", "test_usage.py", [None]),
        ("both", "test_usage.py", [None, OTHER]),
        ("both", "capture/test_script.py", [None]),
        ("both", "test_wheel.py", [None]),
        ("auto", "test_loops.py", ["auto"]),
        ("mitmproxy", "test_usage.py", ["mitmproxy"]),
    ],
)
def test_a_file_runs_over(choice: str, file: str, drivers: list[str | None]) -> None:
    assert chosen(choice, file) == drivers


@pytest.mark.parametrize(
    ("choice", "file", "drivers"),
    [
        ("short", VISITED_TWICE[0], [None, "auto"]),
        ("short", "app/test_start.py", [None]),
        ("both", "app/test_start.py", [None, "auto"]),
        ("both", COUNTED[0], [None]),
        ("auto", "app/test_start.py", ["auto"]),
        ("auto", COUNTED[0], [None]),
        ("mitmproxy", VISITED_TWICE[0], [None]),
    ],
)
def test_a_file_with_a_gateway_in_its_process_runs_over(choice: str, file: str, drivers: list[str | None]) -> None:
    assert [param.values[0] for param in visits_of(choice, file)] == drivers


def test_the_files_are_there() -> None:
    assert all((WIRE.parent / file).is_file() for file in (*VISITED_TWICE, *COUNTED))


def test_of_some_files_only_a_part_runs_twice() -> None:
    assert chosen("short", "test_client_faults.py", "test_26_a_slow_reader") == [None, OTHER]
    assert chosen("short", "test_client_faults.py", "test_27_a_body") == [None]
    assert chosen("both", "test_client_faults.py", "test_27_a_body") == [None, OTHER]


@pytest.mark.parametrize("file", TWICE)
def test_what_runs_twice_is_there(file: str) -> None:
    """A test that has another name now is not left out in silence."""
    written = ast.walk(ast.parse((WIRE / file).read_text(encoding="utf-8")))
    tests = [node.name for node in written if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    assert all(any(test.startswith(beginning) for test in tests) for beginning in TWICE[file] or ("test_",))


@pytest.mark.parametrize("named", ["auto", "mitmproxy"])
def test_a_gateway_is_configured_with_the_driver_that_is_named(
    named: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o700)
    monkeypatch.setenv(ENV_NAME, named)
    gateway = Gateway(tmp_path)
    listen = yaml.safe_load(gateway.config_file.read_text(encoding="utf-8"))["listen"]
    assert listen == {"driver": named, "port": gateway.port}
    monkeypatch.delenv(ENV_NAME)
    gateway.write_config()
    assert yaml.safe_load(gateway.config_file.read_text(encoding="utf-8"))["listen"] == {"port": gateway.port}

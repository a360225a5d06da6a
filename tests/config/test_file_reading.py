"""Files of a person's hand: bounded, regular, text; and `.env` in linear time."""

import contextlib
import os
import threading
from pathlib import Path

import pytest
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from addons.config.env_file import read_env
from addons.config.file_reading import FILE_LIMIT_BYTES, FileProblem, NoFile, read_text
from addons.config.loader import ConfigError, load_config
from addons.config.variables import literal_part, substituted
from tests.config.written import PROVIDERS


@pytest.mark.parametrize(
    ("data", "words"),
    [
        pytest.param(b"x" * (FILE_LIMIT_BYTES + 1), "larger than", id="too large"),
        pytest.param(b"a\xff\xfe", "line 1 is not UTF-8 text; save the file as UTF-8", id="no UTF-8"),
        pytest.param(b"\xff\xfea", "not UTF-8", id="half of UTF-16"),
        pytest.param("é".encode("latin-1"), "not UTF-8", id="latin 1"),
        pytest.param(b"a\0b", "zero byte", id="a zero byte"),
    ],
)
def test_what_is_no_small_text_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(FileProblem, match=words):
        read_text(file)


def test_a_link_to_a_file_is_read_and_a_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes("\ufeffhé".encode())
    (tmp_path / "link").symlink_to("file")
    read = read_text(tmp_path / "link")
    assert (read.text, read.found.st_size) == ("hé", 6)


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "dangling", "loop", "missing"])
def test_nothing_but_a_file_is_read_and_nobody_waits(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
        case "dangling":
            path.symlink_to("nowhere")
        case "loop":
            path.symlink_to("file")
    found: list[Exception] = []

    def read() -> None:
        try:
            read_text(path)
        except FileProblem as e:
            found.append(e)

    reading = threading.Thread(target=read, daemon=True)
    reading.start()
    reading.join(30)
    assert not reading.is_alive()
    assert isinstance(found[0], NoFile) == (kind in ("dangling", "missing"))


@pytest.mark.parametrize("name", [".env", "keys", "config.yaml"])
@pytest.mark.parametrize("kind", ["pipe", "large", "binary"])
def test_each_file_of_a_configuration_is_read_so(tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / "keys").write_text("sk-key-in-a-file\n")
    (tmp_path / "config.yaml").write_text(f"auth: {{tokens_file: keys}}\n{PROVIDERS}")
    path = tmp_path / name
    path.unlink(missing_ok=True)
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.write_bytes(b"#" * (FILE_LIMIT_BYTES + 1) if kind == "large" else bytes(range(256)))
    with pytest.raises(ConfigError, match=name):
        load_config(tmp_path / "config.yaml", {})


@pytest.mark.parametrize(
    "text",
    [
        "A=1\nexport B = two words # said\n\n# nothing\nC='it''s'\nD=\"a\\nb\"\nE\nF=\n",
        "A=x\nB=${A}-${NONE:-y}-${HOME_}\n",
        "A='${HOME_}'\nA=${A}${A}\n",
        'K="-----BEGIN\n  two lines\n"\nZ=1',
    ],
)
def test_env_files_are_read_as_dotenv_reads_them(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "env"
    file.write_text(text)
    monkeypatch.setenv("HOME_", "house")
    expected = {name: value for name, value in dotenv_values(file).items() if value is not None}
    assert read_env(text, os.environ) == expected


@given(st.text(st.sampled_from("ab=${}:-'\"\\#\n \t"), max_size=200))
def test_any_env_file_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(FileProblem):
        read_env(text, {"a": "x"})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("A=x" + " " * 500_000 + "y", "too long, or has a run", id="spaces"),
        pytest.param("A=x" + "\t " * 100 + "#y", "too long, or has a run", id="spaces and tabs"),
        pytest.param("A=" + "x" * 500_000, "too long", id="a long line"),
        pytest.param("\n" * 500_000, "lines", id="many lines"),
        pytest.param(
            "A0=xxxxxxxxxx\n" + "".join(f"A{i}=${{A{i - 1}}}${{A{i - 1}}}\n" for i in range(1, 60)),
            "values of the variables",
            id="each twice the one before",
        ),
    ],
)
def test_env_files_that_grow_are_refused(text: str, words: str) -> None:
    with pytest.raises(FileProblem, match=words):
        read_env(text, {})


def test_values_of_variables_are_bounded_in_the_configuration_too(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LONG=" + "x" * 60_000 + "\n")
    (tmp_path / "config.yaml").write_text(f"models: {{aliases: {{a: '{'${LONG}' * 100}'}}}}\n{PROVIDERS}")
    with pytest.raises(ConfigError, match="values of the variables") as caught:
        load_config(tmp_path / "config.yaml", {"AUTH_TOKEN": "sk-test-0123456789"})
    assert len(str(caught.value)) < 5000


def test_variables() -> None:
    values = {"A": "1", "B": "2"}

    def value_of(name: str, default: str | None) -> str:
        return values.get(name, default or "")

    assert substituted("a ${A} ${B:-x} ${C:-y} ${C} ${", value_of) == "a 1 2 y  ${"
    assert literal_part("${A}") == ""
    assert literal_part("sk-${A}") == "sk-"
    assert literal_part("${A:-sk-default}") == "sk-default"


def test_half_begun_variables_cost_no_square() -> None:
    """Behind the last brace none is looked for: that was a square of the number of beginnings."""
    assert substituted("${A:-" * 200_000, lambda name, default: "") == "${A:-" * 200_000
    assert substituted("${A:-" * 200_000 + "}", lambda name, default: "!") == "!"


def test_only_so_many_problems_are_told(tmp_path: Path) -> None:
    unknown = "".join(f"key{i}: {'x' * 300}\n" for i in range(3000))
    (tmp_path / "config.yaml").write_text(unknown + PROVIDERS)
    with pytest.raises(ConfigError, match="more problems") as caught:
        load_config(tmp_path / "config.yaml", {"AUTH_TOKEN": "sk-test-0123456789"})
    assert len(str(caught.value)) < 100_000

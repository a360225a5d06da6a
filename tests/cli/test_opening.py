"""What commands of the vault share: how it is opened, and that each ends in one clear line."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from addons.cli.base import CliContext
from addons.cli.opening import Opening, kdf_option, vault_command
from addons.vault.errors import VaultError
from addons.vault.keys import VaultKey
from tests.cli.conftest import CONFIG

type Work = Callable[[Opening], None]


@pytest.fixture
def invoke(house: Path) -> Callable[..., Result]:
    """Runs a command of the vault that does a test's work."""

    def run(work: Work, *words: str) -> Result:
        @vault_command
        def command(opening: Opening) -> None:
            work(opening)

        wrapped = click.command()(command)
        return CliRunner().invoke(wrapped, words, obj=CliContext(house / "config.yaml"))

    return run


def raising(fault: BaseException) -> Work:
    def work(opening: Opening) -> None:
        raise fault

    return work


@pytest.mark.parametrize(
    ("words", "given"),
    [
        ((), (False, False)),
        (("--accept-rollback",), (True, False)),
        (("--allow-weak-kdf",), (False, True)),
        (("--accept-rollback", "--allow-weak-kdf"), (True, True)),
    ],
)
def test_leave_is_given_by_the_person_to_this_command(
    invoke: Callable[..., Result], words: tuple[str, ...], given: Any
) -> None:
    found: list[Opening] = []
    assert invoke(found.append, *words).exit_code == 0
    [opening] = found
    assert (opening.accept_rollback, opening.allow_weak_kdf) == given
    key = VaultKey.from_text("00" * 32)
    assert opening.permit(key) is key
    assert key.allow_weak is given[1]


def test_keys_and_providers_are_none_of_its_business(invoke: Callable[..., Result], house: Path) -> None:
    (house / "config.yaml").write_text("auth: 5\nproviders: {a: {type: nonsense}}\nvault: {path: here/v.json}\n")
    found: list[Path] = []
    assert invoke(lambda opening: found.append(opening.path)).exit_code == 0
    assert found == [house / "here" / "v.json"]


def test_a_vault_error_is_one_line(invoke: Callable[..., Result]) -> None:
    result = invoke(raising(VaultError("the vault is odd")))
    assert (result.exit_code, result.stderr) == (1, "glassgate: the vault is odd\n")


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), click.Abort()])
@pytest.mark.parametrize("change", ["nothing", "made", "replaced", "removed"])
def test_ctrl_c_says_whether_the_vault_was_changed(
    invoke: Callable[..., Result], house: Path, stop: BaseException, change: str
) -> None:
    (house / ".sessions").mkdir(mode=0o700)
    path = house / ".sessions" / "vault.json"
    if change != "made":
        path.write_text("before")

    def work(opening: Opening) -> None:
        if change == "replaced":
            path.with_name("new").write_text("after")
            path.with_name("new").replace(path)
        elif change == "removed":
            path.unlink()
        elif change == "made":
            path.write_text("new")
        raise stop

    result = invoke(work)
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1)
    assert ("the vault is as it was" in result.stderr) is (change == "nothing")
    assert ("after the vault had been changed" in result.stderr) is (change != "nothing")


def test_warnings_are_shown_while_it_runs_and_not_after(invoke: Callable[..., Result]) -> None:
    logger = logging.getLogger("glassgate")
    before = list(logger.handlers)

    def work(opening: Opening) -> None:
        logger.info("no matter")
        logger.warning("an older copy was accepted\x1b[2J")

    result = invoke(work)
    assert result.stderr.startswith("glassgate: an older copy was accepted")
    assert "\x1b" not in result.stderr
    assert "no matter" not in result.stderr
    assert logger.handlers == before


@pytest.mark.parametrize(
    ("words", "kdf"), [((), "argon2id"), (("--kdf", "scrypt"), "scrypt"), (("--kdf", "pbkdf2"), "pbkdf2-sha256")]
)
def test_key_derivations_by_their_short_names(words: tuple[str, ...], kdf: str) -> None:
    found: list[str] = []

    @click.command()
    @kdf_option
    def command(kdf: str) -> None:
        found.append(kdf)

    assert CliRunner().invoke(command, words).exit_code == 0
    assert found == [kdf]
    assert CliRunner().invoke(command, ["--kdf", "md5"]).exit_code == 2


def test_the_configuration_is_the_commands_own(invoke: Callable[..., Result], house: Path) -> None:
    (house / "config.yaml").write_text(CONFIG)
    found: list[Any] = []
    invoke(lambda opening: found.append(opening.config))
    assert found[0].file == house / "config.yaml"
    assert found[0].providers == ()

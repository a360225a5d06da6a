"""Files of keys, and who else can read or change them."""

from pathlib import Path

import pytest

from addons.config.configuration import Config
from addons.config.exposure import judge
from addons.config.key_files import KeyFile, is_reachable
from tests.config.written import STRONG, strong


@pytest.mark.parametrize(
    ("mode", "only_keys", "holds_keys", "reachable", "said", "refused"),
    [
        pytest.param(0o600, True, True, True, None, False, id="private"),
        pytest.param(0o644, True, True, False, "read by others (mode 0644); run: chmod 600", True, id=".env readable"),
        pytest.param(0o640, True, True, True, "read by others", True, id=".env for the group"),
        pytest.param(0o666, True, True, True, "read and changed by others", True, id=".env for all"),
        pytest.param(0o644, False, True, True, "read by others", True, id="keys in config.yaml"),
        pytest.param(0o644, False, True, False, "read by others", False, id="keys in a private folder"),
        pytest.param(0o644, False, False, True, None, False, id="config.yaml without keys"),
        pytest.param(0o664, False, False, True, "changed by others (mode 0664); run: chmod go-w", True, id="writable"),
    ],
)
def test_files_open_to_others(
    tmp_path: Path, mode: int, only_keys: bool, holds_keys: bool, reachable: bool, said: str | None, refused: bool
) -> None:
    file = KeyFile(Path("/x/it's/file"), mode, only_keys, holds_keys, reachable)
    assert (file.open_words is None) == (said is None)
    assert said is None or (said in (file.open_words or "") and "'/x/it'" in (file.open_words or ""))
    assert file.gives_keys_away is refused
    found = strong(tmp_path)
    open_one = Config(found.file, found.sections, found.providers, found.keys, files=(file,))
    assert bool(judge(open_one, ["0.0.0.0"])) is refused
    assert not judge(open_one, ["127.0.0.1", "localhost"])


def test_the_files_a_configuration_was_read_from(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("X=1\n")
    (tmp_path / ".env").chmod(0o604)
    (tmp_path / "keys").write_text(f"{STRONG}\n")
    (tmp_path / "keys").chmod(0o600)
    (tmp_path / "config.yaml").touch(0o600)
    files = strong(tmp_path, "auth: {tokens_file: keys}\n").files
    assert [(file.path.name, file.mode, file.holds_keys) for file in files] == [
        (".env", 0o604, True),
        ("config.yaml", 0o600, False),
        ("keys", 0o600, True),
    ]


def test_a_private_folder_keeps_others_away(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "a").chmod(0o700)
    assert not is_reachable(inner / "file")
    assert is_reachable(Path("/file"))
    assert is_reachable(tmp_path / "nowhere" / "file", lambda folder: Path("/").stat())

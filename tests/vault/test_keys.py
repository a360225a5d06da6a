import unicodedata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from addons.vault.encoding import b64
from addons.vault.errors import VaultLocked, VaultPermissions, WrongKey
from addons.vault.kdf import new_kdf
from addons.vault.keys import VaultKey, load_key
from addons.vault.store import Vault
from tests.vault.support import RAW_BYTES, WORDS, body_of, noise


@pytest.mark.parametrize("text", ["", "   ", "\n", "short", "elevenchars"], ids=repr)
def test_texts_that_are_no_key(text: str) -> None:
    with pytest.raises(VaultLocked, match="glassgate keygen"):
        VaultKey.from_text(text)


@pytest.mark.parametrize(("source", "lacks"), [("env", "is not set"), ("file", "is missing")])
def test_a_key_that_is_missing_is_made_only_where_no_vault_is(source: str, lacks: str, tmp_path: Path) -> None:
    said: list[str] = []
    for made in (False, True):
        with pytest.raises(VaultLocked, match=lacks) as refused:
            load_key(source, environ={}, key_file=tmp_path / "none.key", made=made)
        said.append(str(refused.value))
    assert ["keygen" in words for words in said] == [True, False]
    assert "the vault was made with" in said[1]


@pytest.mark.parametrize(
    "text",
    [
        RAW_BYTES.hex(),
        RAW_BYTES.hex().upper(),
        b64(RAW_BYTES),
        b64(RAW_BYTES) + "=",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    ],
    ids=["hex", "HEX", "base64url", "Fernet", "with a line end"],
)
def test_all_spellings_of_a_raw_key_open(vault: Vault, text: str) -> None:
    assert Vault.open(vault.path, VaultKey.from_text(text)).get("zai", "main")


@pytest.mark.parametrize(
    "text", ["+/" * 21 + "A=", "-_" * 21 + "A", "+_" * 21 + "A"], ids=["base64", "base64url", "mix"]
)
def test_both_alphabets_are_one_key(text: str) -> None:
    key = VaultKey.from_text(text)
    assert key.kind == "rawkey"
    assert key.kek(bytes(16), None) == VaultKey.from_text("-_" * 21 + "A").kek(bytes(16), None)


@pytest.mark.parametrize(
    "text",
    [
        bytes(31).hex(),
        bytes(33).hex(),
        b64(bytes(31)),
        b64(bytes(33)),
        "A" * 42 + "B",
        "A" * 43 + "==",
        "x" * 64,
        "A" * 20 + " " + "A" * 22,
        "é" * 43,
    ],
    ids=["31 hex", "33 hex", "31 b64", "33 b64", "unused bits set", "padding", "no hex", "a space", "not ASCII"],
)
def test_what_is_not_exactly_32_bytes_is_a_passphrase(text: str) -> None:
    assert VaultKey.from_text(text).kind == "passphrase"


@pytest.mark.parametrize("raw", [bytes(32), bytes(range(31)) + b"\x1e"])
def test_another_raw_key_is_the_wrong_one(vault: Vault, raw: bytes) -> None:
    with pytest.raises(WrongKey, match="SESSION_ENCRYPTION_KEY"):
        Vault.open(vault.path, VaultKey(raw=raw))


def test_a_passphrase_is_the_wrong_key_of_a_raw_slot(vault: Vault) -> None:
    with pytest.raises(WrongKey):
        Vault.open(vault.path, VaultKey(passphrase=WORDS))


@pytest.mark.parametrize("raw", [b"", bytes(31), bytes(33)], ids=len)
def test_raw_keys_of_another_length_do_not_exist(raw: bytes) -> None:
    with pytest.raises(ValueError, match="32 raw bytes"):
        VaultKey(raw=raw)


def test_a_passphrase_opens_in_either_unicode_form(folder: Path) -> None:
    words = "Schlüssel für später"
    made = Vault.create(folder / "p.json", VaultKey.from_text(unicodedata.normalize("NFC", words)), sync=False)
    Vault.open(made.path, VaultKey.from_text(unicodedata.normalize("NFD", words)))
    with pytest.raises(WrongKey):
        Vault.open(made.path, VaultKey.from_text(words + "!"))
    assert body_of(made.path)["slots"][0]["kdf"]["name"] == "argon2id"


def test_a_slow_kdf_runs_once_for_a_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[Any] = []

    def counted(_: bytes, parameters: Any) -> bytes:
        runs.append(parameters)
        return bytes(32)

    monkeypatch.setattr("addons.vault.keys.derive", counted)
    key, random = VaultKey(passphrase=WORDS), noise()
    kdf, other = new_kdf(random), new_kdf(random)
    for _ in range(3):
        key.kek(bytes(16), kdf)
    assert runs == [kdf]
    key.kek(bytes(16), other)
    assert runs == [kdf, other]


def test_bytes_that_are_no_text_are_refused_as_a_passphrase() -> None:
    with pytest.raises(VaultLocked, match="UTF-8"):  # as os.environ gives what was not UTF-8
        VaultKey.from_text(b"Schl\xfcssel f\xfcr sp\xe4ter".decode("utf-8", "surrogateescape"))


# -- sources ----------------------------------------------------------------------------------------------------------
def test_the_environment_key_is_taken_out_of_the_environment() -> None:
    environ = {"SESSION_ENCRYPTION_KEY": bytes(32).hex(), "OTHER": "stays"}
    assert load_key("env", environ=environ).kind == "rawkey"
    assert environ == {"OTHER": "stays"}
    with pytest.raises(VaultLocked, match="SESSION_ENCRYPTION_KEY"):
        load_key("env", environ=environ)


def test_there_is_no_second_source(tmp_path: Path) -> None:
    environ = {"SESSION_ENCRYPTION_KEY": bytes(32).hex()}
    for source in ("file", "prompt", "keyring", "vault"):
        with pytest.raises(VaultLocked):
            load_key(source, environ=environ)
    assert environ


def test_a_key_file_must_be_private(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(bytes(32).hex() + "\n")
    file.chmod(0o644)
    with pytest.raises(VaultPermissions, match="chmod 600"):
        load_key("file", environ={}, key_file=file)
    file.chmod(0o600)
    assert load_key("file", environ={}, key_file=file).kind == "rawkey"


def test_a_key_file_may_be_a_credential_of_the_service_manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Path] = []
    monkeypatch.setattr("addons.vault.keys.check_handed_over", lambda path, _found: asked.append(path))
    file = tmp_path / "vault.key"
    file.write_text(bytes(32).hex())
    file.chmod(0o440)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert load_key("file", environ=environ, key_file=file).kind == "rawkey"
    assert asked == [file]
    for elsewhere in ("", ".", str(tmp_path.parent)):
        with pytest.raises(VaultPermissions):
            load_key("file", environ={"CREDENTIALS_DIRECTORY": elsewhere}, key_file=file)


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"\xff\xfe passphrase of another encoding", b"x" * 70_000],
    ids=["empty", "line", "bin", "big"],
)
def test_key_files_without_a_key(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "key"
    file.touch(0o600)
    file.write_bytes(content)
    with pytest.raises(VaultLocked):
        load_key("file", environ={}, key_file=file)


def test_a_missing_key_file_is_not_taken_for_a_missing_vault(tmp_path: Path) -> None:
    with pytest.raises(VaultLocked, match="key file"):
        load_key("file", environ={}, key_file=tmp_path / "none")


def test_a_prompt_is_asked_once() -> None:
    answers = iter([WORDS])
    assert load_key("prompt", environ={}, prompt=lambda: next(answers)).kind == "passphrase"


def a_keyring(monkeypatch: pytest.MonkeyPatch, backend_module: str, text: str | None) -> None:
    """Puts a stand-in for the optional package in place."""
    backend = type("Keyring", (), {"__module__": backend_module})()
    errors = ModuleType("keyring.errors")
    errors.KeyringError = type("KeyringError", (Exception,), {})  # type: ignore[attr-defined]
    package = SimpleNamespace(errors=errors, get_keyring=lambda: backend, get_password=lambda *_: text)
    monkeypatch.setitem(__import__("sys").modules, "keyring", package)
    monkeypatch.setitem(__import__("sys").modules, "keyring.errors", errors)


def test_the_system_keyring_gives_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    a_keyring(monkeypatch, "keyring.backends.SecretService", WORDS)
    assert load_key("keyring", environ={}).kind == "passphrase"
    a_keyring(monkeypatch, "keyring.backends.SecretService", None)
    with pytest.raises(VaultLocked, match="no entry"):
        load_key("keyring", environ={})


@pytest.mark.parametrize("module", ["keyrings.alt.file", "keyring.backends.fail", "keyring.backends.null"])
def test_keyrings_that_keep_no_secret_are_refused(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    a_keyring(monkeypatch, module, WORDS)
    with pytest.raises(VaultLocked, match=module):
        load_key("keyring", environ={})


def test_without_the_keyring_package_its_name_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    with pytest.raises(VaultLocked, match="package 'keyring'"):
        load_key("keyring", environ={})

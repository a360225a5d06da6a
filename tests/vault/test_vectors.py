"""Known-answer vectors, byte for byte, and readers that share no code with addons/vault."""

import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from addons.vault import format as vault_format
from addons.vault.format import Record
from addons.vault.keys import VaultKey
from addons.vault.store import Vault
from tests.vault import independent
from tests.vault.support import RAW, RAW_BYTES, SECRET, WORDS

HERE = Path(__file__).parent
VECTORS = {path.stem: json.loads(path.read_text()) for path in sorted((HERE / "vectors").glob("*.json"))}
NODE = shutil.which("node")

every_vector = pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)


def given(*values: str) -> Callable[[int], bytes]:
    """Randomness that hands out these values (hex), each of the size it is asked for."""
    left = [bytes.fromhex(value) for value in values]

    def random(size: int) -> bytes:
        assert len(left[0]) == size
        return left.pop(0)

    return random


def expected(vector: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    names = ("rev", "updated", "material")
    return {(r["provider"], r["account"]): {name: r[name] for name in names} for r in vector["records"]}


def test_there_is_a_vector_of_every_kind() -> None:
    assert set(VECTORS) == {"rawkey", "argon2id", "scrypt", "pbkdf2"}


@every_vector
def test_vectors_are_written_alike_by_the_independent_writer(vector: dict[str, Any]) -> None:
    assert independent.write(vector).decode() == vector["file"]


@every_vector
def test_vectors_are_written_byte_for_byte(vector: dict[str, Any]) -> None:
    kdf = vector["kdf"]
    salt = [] if kdf is None else [independent.dec(kdf["salt"]).hex()]
    random = given(vector["vault_id"], vector["data_key"], *salt, vector["slot_id"], vector["slot_nonce"])
    kdf_name = "argon2id" if kdf is None else kdf["name"]
    key = VaultKey.from_text(vector["key"])
    document = vault_format.new_document(key, random, vector["created"], kdf_name)
    for record in vector["records"]:
        made = Record(record["provider"], record["account"], record["rev"], record["updated"], record["material"])
        document = vault_format.with_record(document, made, given(record["nonce"]))
    assert vault_format.write(replace(document, generation=vector["generation"])).decode() == vector["file"]


@every_vector
def test_vectors_are_read(vector: dict[str, Any]) -> None:
    document = vault_format.read(vector["file"].encode(), VaultKey.from_text(vector["key"]))
    found = {
        (r.provider, r.account): {"rev": r.rev, "updated": r.updated, "material": r.material}
        for r in vault_format.open_records(document)
    }
    assert found == expected(vector)
    assert document.generation == vector["generation"]


@every_vector
def test_the_independent_reader_reads_vectors(vector: dict[str, Any]) -> None:
    assert independent.read(vector["file"].encode(), vector["key"]) == expected(vector)


@pytest.mark.parametrize("text", [RAW_BYTES.hex(), WORDS], ids=["raw key", "passphrase"])
def test_the_independent_reader_reads_what_the_store_wrote(folder: Path, text: str) -> None:
    made = Vault.create(folder / "vault.json", VaultKey.from_text(text), sync=False)
    made.put("zai", "main", SECRET)
    made.put("qwen", "second", {**SECRET, "expires": 1_700_000_000.25, "nested": [{"ü": [True, None]}]})
    made.put("zai", "main", {**SECRET, "token": "newer"})
    made.remove("qwen", "second")
    made.put("qwen", "second", SECRET)
    made.rotate_data_key()
    found = independent.read(made.path.read_bytes(), text)
    records = made.records()
    assert {key: value["material"] for key, value in found.items()} == {k: r.material for k, r in records.items()}
    assert {key: value["rev"] for key, value in found.items()} == {k: r.rev for k, r in records.items()}


def test_the_store_reads_what_the_independent_writer_wrote(folder: Path) -> None:
    path = folder / "vault.json"
    path.touch(0o600)
    path.write_text(VECTORS["rawkey"]["file"])
    record = Vault.open(path, RAW).get("zai", "main")
    assert record is not None
    assert record.material["token"] == "vector-token-1"


@pytest.mark.processes
@pytest.mark.skipif(NODE is None, reason="Node.js is not installed")
@pytest.mark.parametrize("name", ["rawkey", "scrypt", "pbkdf2"])
def test_a_reader_in_another_language_reads_vectors(tmp_path: Path, name: str) -> None:
    (tmp_path / "vault").write_text(VECTORS[name]["file"])
    command = [str(NODE), str(HERE / "independent.mjs"), str(tmp_path / "vault")]
    done = subprocess.run(command, input=VECTORS[name]["key"].encode(), capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    found = {(r["provider"], r["account"]): r["material"] for r in json.loads(done.stdout)}
    assert found == {key: value["material"] for key, value in expected(VECTORS[name]).items()}

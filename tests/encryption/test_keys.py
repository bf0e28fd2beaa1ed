"""Where keys come from, and what is refused of them."""

import subprocess
import sys
from base64 import b64encode, urlsafe_b64encode
from pathlib import Path
from typing import Any

import pytest

from teep.encryption import decrypt, enable, encrypt, from_env, from_file
from teep.errors import ConfigurationError, DecryptionError
from teep.wire.fields.envelope import MAX_VERSION, Envelope
from tests.encryption.conftest import KEYS

KEY = bytes(range(224, 256))  # its two base64 alphabets differ
WRITTEN = [
    KEY.hex(), KEY.hex().upper() + "\n", b64encode(KEY).decode(), urlsafe_b64encode(KEY).decode() + "\n",
    urlsafe_b64encode(KEY).decode().rstrip("="),
]  # fmt: skip


def version_of(envelope: str) -> int:
    return Envelope.parse(envelope).version


def test_the_active_version_encrypts_and_every_one_decrypts() -> None:
    enable(active_version=1, key=KEYS)
    old = encrypt("old")
    enable(active_version=2, key=KEYS)
    new = encrypt("new")
    assert (version_of(old), version_of(new)) == (1, 2)
    assert (decrypt(old), decrypt(new)) == ("old", "new")


def test_a_function_is_asked_once_for_each_version() -> None:
    asked: list[int] = []

    def key_of(version: int) -> bytes | None:
        asked.append(version)
        return KEYS.get(version)

    enable(active_version=1, key=KEYS)
    old = encrypt("old")
    enable(active_version=2, key=key_of)
    assert asked == [2]
    for _ in range(3):
        assert (decrypt(encrypt("new")), decrypt(old)) == ("new", "old")
    assert asked == [2, 1]


@pytest.mark.parametrize("written", WRITTEN)
def test_keys_of_the_environment(monkeypatch: pytest.MonkeyPatch, written: str) -> None:
    enable(active_version=7, key={7: KEY})
    envelope = encrypt([1])
    monkeypatch.setenv("TEEP_KEY_7", written)
    enable(active_version=7, key=from_env())
    assert decrypt(envelope) == [1]


@pytest.mark.parametrize("written", [KEY, *(written.encode() for written in WRITTEN)])
def test_keys_of_files(tmp_path: Path, written: bytes) -> None:
    enable(active_version=7, key={7: KEY})
    envelope = encrypt([1])
    (tmp_path / "key-7").write_bytes(written)
    enable(active_version=7, key=from_file(tmp_path / "key-{version}"))
    assert decrypt(envelope) == [1]


@pytest.mark.parametrize(
    ("version", "key", "sentence"),
    [
        (3, KEYS, "there is no key of version 3 here"),
        (3, KEYS.__getitem__, "there is no key of version 3 here: 3"),
        (3, from_env("NO_{version}"), "there is no key of version 3 here: the environment variable NO_3 is not set"),
        (3, from_file("no/{version}"), "there is no key of version 3 here: no/3 cannot be read: No such file"),
        (True, KEYS, r"a key's version must be a whole number up to 2\*\*30 - 1, not True"),
        (MAX_VERSION + 1, KEYS, "a key's version must be a whole number"),
        (1, {1: KEY, "2": KEY}, "a key's version must be a whole number up to .*, not '2'"),
        (1, {1: KEY, 2: b"hunter2"}, "the key of version 2 must be 32 bytes, not 7 bytes"),
        (1, lambda _: "hunter2" * 5, "the key of version 1 must be 32 bytes, not a str"),
    ],
)
def test_keys_that_do_not_fit(version: Any, key: Any, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as caught:
        enable(active_version=version, key=key)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("written", ["hunter2", "hunter2" * 6, KEY.hex()[:-2], "é" * 32, ""])
def test_a_text_that_is_no_key_is_not_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, written: str) -> None:
    monkeypatch.setenv("TEEP_KEY_1", written)
    (tmp_path / "key").write_text(written, "utf-8")
    for source in (from_env(), from_file(tmp_path / "key")):
        with pytest.raises(ConfigurationError, match="must hold 32 bytes, as 64 hex digits or as base64") as caught:
            enable(active_version=1, key=source)
        assert "hunter2" not in str(caught.value)


def test_keys_that_do_not_fit_change_nothing(keys: dict[int, bytes]) -> None:
    envelope = encrypt(1)
    with pytest.raises(ConfigurationError):
        enable(active_version=9, key=keys)
    assert decrypt(envelope) == 1


def test_without_keys_both_ways_say_what_to_do() -> None:
    for act in (encrypt, decrypt):
        with pytest.raises(ConfigurationError, match=r"encryption needs keys: call teep.encryption.enable\(…\)"):
            act("x")


def test_a_version_without_a_key_here_is_an_error_of_the_job() -> None:
    enable(active_version=2, key=KEYS)
    envelope = encrypt(1)
    enable(active_version=1, key={1: KEYS[1]})
    with pytest.raises(DecryptionError, match="there is no key of version 2 here"):
        decrypt(envelope)


def test_only_who_enables_it_needs_cryptography(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys, teep.worker, teep.cli; sys.exit('teep.encryption.aes' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0
    monkeypatch.setitem(sys.modules, "teep.encryption.aes", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'teep\[encryption\]'"):
        enable(active_version=1, key=KEYS)

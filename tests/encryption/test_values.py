"""A value goes into an envelope and comes out again, or an error comes that tells nothing of it."""

import json
import traceback
from collections.abc import Iterator
from typing import Any

import pytest

from teep.encryption import decrypt, enable, encrypt
from teep.encryption.aes import Cipher
from teep.errors import DecryptionError, InvalidArguments
from teep.wire.fields.envelope import Envelope
from tests.encryption.conftest import KEYS

pytestmark = pytest.mark.usefixtures("keys")

SECRET = "hunter2"


@pytest.mark.parametrize(
    "value", [123, -1, 2**70, 1.5, True, None, "", "é ☃ 𝄞", [], {}, [SECRET] * 3, {"a": [{"é": [None, -0.0]}]}]
)
def test_there_and_back(value: Any) -> None:
    envelope = encrypt(value)
    assert decrypt(envelope) == value
    assert SECRET not in envelope
    assert encrypt(value) != envelope


def test_a_small_secret_is_as_long_as_in_sidekiqs_samples() -> None:
    assert len(encrypt(123)) == 132
    assert len(Envelope.parse(encrypt(123)).blob) == 5


@pytest.mark.parametrize("value", [123, "é", None, {"a": [1.5]}, [[123]]])
def test_json_is_read_too(value: Any) -> None:
    assert decrypt(sealed(json.dumps([value]).encode())) == value


def refusals() -> Iterator[Any]:
    """Envelopes that cannot be read, by what is the matter with them."""
    good = Cipher(2, KEYS[2]).seal(SECRET.encode())
    yield pytest.param(
        Cipher(1, KEYS[2]).seal(b"x").text(), "altered, or encrypted with another key of version 1", id="key"
    )
    yield pytest.param(good._replace(version=3).text(), "no key of version 3", id="version")
    yield pytest.param(good._replace(version=1).text(), "altered", id="another version")
    yield pytest.param(good._replace(tag=bytes(16)).text(), "altered", id="tag")
    yield pytest.param(good._replace(iv=bytes(12)).text(), "altered", id="iv")
    yield pytest.param(good._replace(blob=good.blob[:-1]).text(), "altered", id="cut ciphertext")
    yield pytest.param(good.text()[:-4], "cannot be read: its envelope was cut or altered", id="cut")
    yield pytest.param(SECRET, "cannot be read: it is no envelope of aes-256-gcm", id="clear")
    yield pytest.param({"a": SECRET}, "it is no envelope of aes-256-gcm", id="clear dict")
    for name, plaintext in {
        "text": SECRET.encode(), "JSON without its list": json.dumps(SECRET).encode(),
        "two": json.dumps([SECRET, 1]).encode(), "bad UTF-8": b'["' + SECRET.encode() + b'\xff"]', "nothing": b"",
    }.items():  # fmt: skip
        yield pytest.param(sealed(plaintext), "neither Marshal format 4.8 nor JSON", id=name)
    yield pytest.param(
        sealed(b'\x04\x08"\x0d' + SECRET.encode() + b"\xff"), "a string in it is not UTF-8", id="binary"
    )
    yield pytest.param(sealed(b"\x04\x08c\x0bString"), "something else than plain values", id="class")


def sealed(plaintext: bytes) -> str:
    return Cipher(2, KEYS[2]).seal(plaintext).text()


@pytest.mark.parametrize(("envelope", "sentence"), list(refusals()))
def test_what_cannot_be_read_tells_nothing(envelope: Any, sentence: str) -> None:
    with pytest.raises(DecryptionError, match=sentence) as caught:
        decrypt(envelope)
    seen: BaseException | None = caught.value
    while seen is not None:
        assert SECRET not in "".join(traceback.format_exception(seen))
        assert SECRET not in repr(vars(seen)) + repr(seen.args) + repr(getattr(seen, "object", ""))
        seen = seen.__context__


@pytest.mark.parametrize(
    "value", [{SECRET: {1}}, [{SECRET: float("nan")}], (SECRET,), {1: SECRET}, SECRET + "\ud800"]
)
def test_what_is_not_plain_json_is_refused_and_not_shown(value: Any) -> None:
    with pytest.raises(InvalidArguments, match="the argument to encrypt is not plain JSON; pass strings") as caught:
        encrypt(value)
    assert caught.value.__context__ is None
    assert SECRET not in str(caught.value)


def test_altered_bits_never_come_through() -> None:
    enable(active_version=1, key=KEYS)
    good = Envelope.parse(encrypt([1, "x"]))
    for field in ("tag", "iv", "blob"):
        raw = getattr(good, field)
        for bit in range(8 * len(raw)):
            altered = (int.from_bytes(raw, "little") ^ 1 << bit).to_bytes(len(raw), "little")
            fields: dict[str, Any] = {field: altered}
            with pytest.raises(DecryptionError):
                decrypt(good._replace(**fields).text())

"""The envelope of an encrypted argument: one fixed shape, byte for byte Ruby's."""

import subprocess
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from teep.errors import MalformedPayload
from teep.wire.fields.envelope import MAX_VERSION, Envelope, is_envelope

# Two that Sidekiq Enterprise made, each of a secret 123 under an unknown key.
_START = "BAhTOhFTaWRla2lxOjpFbmMKOgZjSSIQYWVzLTI1Ni1nY20GOgZFVDoIdGFnIh"
SAMPLES = {
    _START + "WZI9cHOalTr475-9lIS0dyOgdpdiIRxcn72zsyzUnxDwh8OgZ2aQY6CWJsb2IiCnCz22JV": Envelope(
        bytes.fromhex("9923d70739a953af8ef9fbd9484b4772"),
        bytes.fromhex("c5c9fbdb3b32cd49f10f087c"),
        1,
        bytes.fromhex("70b3db6255"),
    ),
    _START + "VCXh1SNPysah7H0QcQNjKaOgdpdiIRd-Llb2KCN3xRuqaROgZ2aQY6CWJsb2IiCjPNio3T": Envelope(
        bytes.fromhex("425e1d5234fcac6a1ec7d1071036329a"),
        bytes.fromhex("77e2e56f6282377c51baa691"),
        1,
        bytes.fromhex("33cd8a8dd3"),
    ),
}
OURS = [
    Envelope(bytes(range(16)), bytes(range(12)), version, b"\xff" * size)
    for version in (0, 1, 122, 123, 255, 256, 65_536, MAX_VERSION)
    for size in (0, 1, 122, 123, 300, 70_000)
]

RUBY = """
module Sidekiq; Enc = Struct.new(:c, :tag, :iv, :v, :blob); end
STDIN.each_line do |line|
  raw = [line.chomp].pack("H*")
  enc = Marshal.load(raw)
  abort "another shape: #{enc.inspect}" unless enc.c == "aes-256-gcm" && Marshal.dump(enc) == raw
  puts [enc.v, enc.tag.unpack1("H*"), enc.iv.unpack1("H*"), enc.blob.unpack1("H*")].join(" ")
end
"""


@pytest.mark.parametrize("text", SAMPLES)
def test_sidekiqs_own_are_read_and_written_alike(text: str) -> None:
    assert Envelope.parse(text) == SAMPLES[text]
    assert SAMPLES[text].text() == text


def test_ruby_reads_and_writes_the_same_bytes() -> None:
    asked = "".join(f"{envelope.raw().hex()}\n" for envelope in OURS)
    done = subprocess.run(["ruby", "-e", RUBY], input=asked, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == [
        f"{own.version} {own.tag.hex()} {own.iv.hex()} {own.blob.hex()}" for own in OURS
    ]


@pytest.mark.parametrize("envelope", OURS[:14])
def test_with_and_without_padding(envelope: Envelope) -> None:
    assert Envelope.parse(envelope.text()) == Envelope.parse(envelope.text().rstrip("=")) == envelope


@pytest.mark.parametrize("value", [None, 123, b"BAhT", "", "BAhT", "secret", "=", "A", "é" * 8, ["x"], {"x": 1}])
def test_what_is_no_envelope(value: Any) -> None:
    assert not is_envelope(value)


def test_every_cut_and_every_altered_byte_of_the_shape_is_refused() -> None:
    (text, sample), *_ = SAMPLES.items()
    raw = urlsafe_b64decode(text)
    free = {
        *range(raw.index(sample.tag), raw.index(sample.tag) + 16),
        *range(raw.index(sample.iv), raw.index(sample.iv) + 12),
    }
    free |= {raw.index(b":\x06vi") + 4, *range(len(raw) - len(sample.blob), len(raw))}
    for end in range(len(raw)):
        assert not is_envelope(urlsafe_b64encode(raw[:end]).decode())
    for place in set(range(len(raw))) - free:
        altered = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        assert not is_envelope(urlsafe_b64encode(altered).decode()), place
    assert not is_envelope(urlsafe_b64encode(raw + b"0").decode())
    assert not is_envelope(text + "\n")


def test_a_negative_version_is_refused() -> None:
    with pytest.raises(MalformedPayload):
        Envelope.parse(Envelope(bytes(16), bytes(12), -1, b"").text())

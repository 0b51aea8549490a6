# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats sign``: OpenSSL's own command takes the signatures; what is no key is told."""

import shutil
import subprocess

import pytest

from cats import cli
from cats.deploy.export import BINARY, SIGNED, export
from cats.integer.random_models import random_model
from cats.shape.config import ModelConfig, SplitConfig

pytest.importorskip("cryptography")
CONFIG = ModelConfig(
    tokens_in=3, inputs=4, outputs=3, features=6, heads=3, hidden=6, blocks=1, pool="mean"
)


def openssl(*words, **options):
    """Output of the command openssl."""
    if not shutil.which("openssl"):
        pytest.skip("no openssl: apt-get install openssl")
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True, **options)


def make_key(path, curve="P-256"):
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{curve}", "-out", path)
    return path


@pytest.fixture
def deploy(tmp_path):
    split = SplitConfig.even(CONFIG, 3, "channels")
    export(random_model(3, CONFIG, split), tmp_path / "deploy", payload=8)
    return tmp_path / "deploy"


def der(signature):
    """A signature of r and s as OpenSSL wants it (X.690: a sequence of two integers)."""
    numbers = b""
    for number in (signature[:32], signature[32:]):
        value = number.lstrip(b"\0") or b"\0"
        value = b"\0" + value if value[0] & 0x80 else value
        numbers += bytes([2, len(value)]) + value
    return bytes([0x30, len(numbers)]) + numbers


def test_openssl_verifies_every_node(deploy, tmp_path, capsys):
    key = make_key(tmp_path / "KEY.pem")
    openssl("pkey", "-in", key, "-pubout", "-out", tmp_path / "public.pem")
    assert cli.main(["sign", str(deploy), "--key", str(key)]) == 0
    assert "3 images signed" in capsys.readouterr().out
    for node in range(3):
        folder = deploy / f"node_{node:02}"
        image, signed = (folder / BINARY).read_bytes(), (folder / SIGNED).read_bytes()
        assert signed[: len(image)] == image and len(signed) == len(image) + 64
        (tmp_path / "signature").write_bytes(der(signed[-64:]))
        done = openssl(
            "dgst", "-sha256", "-verify", tmp_path / "public.pem", "-signature",
            tmp_path / "signature", folder / BINARY,
        )  # fmt: skip
        assert done.stdout.strip() == b"Verified OK"
    first = (deploy / "node_00" / SIGNED).read_bytes()
    assert cli.main(["sign", str(deploy), "--key", str(key)]) == 0
    assert (deploy / "node_00" / SIGNED).read_bytes() == first


def test_public_key_is_a_kconfig_line(tmp_path, capsys):
    key = make_key(tmp_path / "KEY.pem")
    assert cli.main(["sign", "--public", "--key", str(key)]) == 0
    name, _, value = capsys.readouterr().out.strip().partition("=")
    point = openssl("pkey", "-in", key, "-pubout", "-outform", "DER").stdout[-65:]
    assert name == "CONFIG_CATS_UPDATE_PUBLIC_KEY" and value == f'"{point.hex()}"'


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("missing", "cannot read"),
        ("rubbish", "is no private key in PEM"),
        ("P-384", "is no key of the curve P-256"),
        ("encrypted", "is encrypted"),
    ],
)
def test_what_is_no_key(deploy, tmp_path, capsys, key, said):
    path = tmp_path / "KEY.pem"
    if key == "rubbish":
        path.write_text("rubbish")
    elif key == "P-384":
        make_key(path, "P-384")
    elif key == "encrypted":
        plain = make_key(tmp_path / "plain.pem")
        openssl("pkey", "-in", plain, "-aes128", "-passout", "pass:word", "-out", path)
    assert cli.main(["sign", str(deploy), "--key", str(path)]) == 2
    error = capsys.readouterr().err
    assert said in error and "openssl" in error and len(error.splitlines()) == 1
    assert not list(deploy.rglob(f"*{SIGNED}"))


def test_nothing_to_sign(tmp_path, capsys):
    key = make_key(tmp_path / "KEY.pem")
    assert cli.main(["sign", "--key", str(key)]) == 2
    assert "name the deployment" in capsys.readouterr().err

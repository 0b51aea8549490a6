# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Signed images, for CONFIG_CATS_UPDATE_SIGNED: ECDSA on P-256 over SHA-256 of them (FIPS 186-5),
as r and s of 32 bytes each, big-endian, behind it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cats.errors import CatsError

MAKE_KEY = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY.pem"
COORDINATE = 32


def load_key(path: Path) -> Any:
    """The private key of a PEM file, an EllipticCurvePrivateKey of P-256; raises CatsError."""
    try:
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError:
        raise CatsError("no library cryptography: pip install cryptography") from None
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise CatsError(f"cannot read {path}: {error.strerror}: {MAKE_KEY}") from None
    except TypeError:
        raise CatsError(f"{path} is encrypted: openssl pkey -in {path} -out KEY.pem") from None
    except ValueError:
        raise CatsError(f"{path} is no private key in PEM: {MAKE_KEY}") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise CatsError(f"{path} is no key of the curve P-256: {MAKE_KEY}")
    return key


def public_point(key: Any) -> bytes:
    """Its public key, uncompressed: 65 bytes, for CONFIG_CATS_UPDATE_PUBLIC_KEY."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def signed(image: bytes, key: Any) -> bytes:
    """``image`` with its signature behind, the same whenever it is signed (RFC 6979)."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    numbers = decode_dss_signature(key.sign(image, ec.ECDSA(SHA256(), deterministic_signing=True)))
    return image + b"".join(number.to_bytes(COORDINATE, "big") for number in numbers)

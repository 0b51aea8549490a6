# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats sign``: images that a board takes for the maker's own."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "sign the images of a deployment, for boards that take no others"
CONFLICTS = {"public": ("deploy",)}
EPILOG = """\
writes cats_partition.signed.bin beside each node's image: what cats_update_write() of a firmware
with CONFIG_CATS_UPDATE_SIGNED is given

exit status: 0 signed; 2 bad input

examples:
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY.pem
  cats sign --public --key KEY.pem >> prj.conf
  cats sign DEPLOY --key KEY.pem
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats sign``."""
    parser.add_argument("deploy", nargs="?", type=Path, help="folder that cats export made")
    parser.add_argument("--key", type=Path, required=True, metavar="PEM", help="private key, P-256")
    parser.add_argument(
        "--public", action="store_true", help="print the Kconfig line of its public key, no more"
    )


def run(args: argparse.Namespace) -> int:
    """Run ``cats sign``."""
    from cats.deploy.export import SIGNED, load_deploy, node_folder
    from cats.deploy.sign import load_key, public_point, signed
    from cats.errors import CatsError
    from cats.files import write_atomic

    key = load_key(args.key)
    if args.public:
        print(f'CONFIG_CATS_UPDATE_PUBLIC_KEY="{public_point(key).hex()}"')
        return 0
    if args.deploy is None:
        raise CatsError("name the deployment to sign, or ask for --public")
    images = load_deploy(args.deploy)[3]
    for node, image in enumerate(images):
        file = args.deploy / node_folder(node) / SIGNED
        write_atomic(file, signed(image, key))
    print(f"{len(images)} images signed: {args.deploy}/node_*/{SIGNED}")
    return 0

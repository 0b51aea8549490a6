# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``cats sweep``: many trainings from one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from cats import arguments
from cats.files import output_folder

HELP = "train by kind, keep ratio and seed from one YAML file; quality against loss and keep"
EPILOG = """\
examples:
  cats sweep digits.yaml -o SWEEP
  cats sweep digits.yaml -o SWEEP --jobs 1     # goes on where it was cut short

  cats sweep digits.yaml -o SWEEP --backend dask:tcp://host:8786

The file names its task and its kinds of training; all keys, with their defaults:

  task: forecast               # a task of cats train, or package.module:Class
  preset:                      # options by a name of the task's
  options: {}                  # of the task, as data: FILE
  nodes: 4
  model: {}                    # features, heads, hidden, blocks ...; else as suits the task
  input_split: single          # or channels
  training: {}                 # epochs, lr, batch ... of all kinds; else as suits the task
  kinds:                       # by name: what to train with, nodes, or uneven: true
    plain: {message_dropout: 0}
    one model: {message_dropout: 0:0.3}
  keep: [1]                    # shares of the columns sent
  seeds: [0, 1, 2]
  losses: [0, 0.1, 0.2]        # probabilities to score under
  repeats: 1                   # draws of them
  granularity: packet          # or message
  thin: 1                      # score every so manieth test sample
  every_token: false

The documentation's page on training says more.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``cats sweep``."""
    parser.add_argument("file", type=Path, metavar="FILE.yaml", help="what to run")
    parser.add_argument(
        "-o", "--out", type=output_folder, required=True, metavar="OUT", help="its folder"
    )
    parser.add_argument(
        "--jobs",
        type=arguments.whole(-1, arguments.MOST_THREADS),
        default=-1,
        help="runs at a time, one core each; -1: as many as cores",
    )
    parser.add_argument(
        "--backend",
        metavar="NAME[:ADDRESS]",
        help="another backend of joblib: ray or dask with the address of a cluster, slurm with a "
        "partition",
    )
    arguments.add_device_argument(parser, None)
    parser.add_argument(
        "--force", action="store_true", help="start again over a folder that a sweep made"
    )


def run(args: argparse.Namespace) -> int:
    """Run ``cats sweep``."""
    import dataclasses

    from cats.errors import CatsError
    from cats.report import figures_table, print_table
    from cats.training import sweep

    if args.jobs == 0 or args.jobs < -1:
        raise CatsError(f"{args.jobs} jobs: at least 1, or -1 for one a core")
    recipe = sweep.read(args.file)
    if args.device is not None:
        recipe = dataclasses.replace(
            recipe, training={**(recipe.training or {}), "device": args.device}
        )
    summary = sweep.run(recipe, args.out, args.jobs, args.backend, args.force)
    print(f"\n{summary['metric']}, mean and half the range over seeds")
    print(sweep.tables(summary))
    if summary["baselines"]:
        print_table(*figures_table("beside it", summary["baselines"]))
    print(f"\n{args.out / sweep.SUMMARY} holds all figures; {sweep.LOSS_PLOT}, {sweep.KEEP_PLOT}")
    return 0

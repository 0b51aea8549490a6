# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The commands of the program: each module has HELP, add_arguments and run."""

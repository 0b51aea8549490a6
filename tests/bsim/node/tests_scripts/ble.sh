#!/usr/bin/env bash
# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0

source "$(dirname "${BASH_SOURCE[0]}")/_run.source"

cats ble drift loss reset killed "leader killed" late neighbour

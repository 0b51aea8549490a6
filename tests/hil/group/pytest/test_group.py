# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""A deployment on N boards over the air, driven by their shells: every output is the integer
reference's for what arrived, to the bit, whatever is lost, reset or without power.

The boards are those of a hardware map, with ``--map map.yaml --deploy DEPLOY``, or BabbleSim's,
without options; see doc/hil.rst.
"""

import re
import time

import pytest

from cats.errors import CatsError
from cats.plan.radio import SEALED
from cats.zephyr.sim_boards import SimBoards


def simulated(group):
    """On BabbleSim nothing is lost but on purpose."""
    return isinstance(group.boards, SimBoards)


def inferred(group, rounds=2):
    """Logs of some rounds that all nodes that are on took part in, each with every input at once;
    all their outputs are right."""
    logs = group.new_logs()
    for sample in range(rounds):
        group.infer(sample, logs)
    on = sorted(group.consoles)
    compared, different = group.check(logs)
    assert different == []
    assert compared >= 2 * rounds * len(on) - (0 if simulated(group) else rounds * len(on))
    together = [
        number
        for number in {result.number for result in logs[on[0]].results}
        if all(any(r.number == number and r.sample >= 0 for r in logs[node].results) for node in on)
    ]
    assert len(together) >= (rounds if simulated(group) else 1)
    return logs


def all_heard(group, logs):
    """Whether nobody lacked anything, where nothing is lost but on purpose. Of BLE one in ten: a
    write to flash, as of a sealed node's counters, ends its controller's scan."""
    results = [result for log in logs for result in log.results]
    fragments = sum(result.fragments for result in results)
    most = fragments // 10 if group.plan.radio.startswith("ble") else 0
    return not simulated(group) or sum(result.lost for result in results) <= most


def test_every_node_is_itself(group):
    """Board i holds node i of the deployment, whatever the map says."""
    for node, said in enumerate(group.wait_until_running()):
        assert f"node {node} of {group.nodes} in group 0" in said, said
        assert f"model {group.meta['model_id']}" in said.lower(), said


def test_a_sealed_group_has_a_key(group):
    if not group.plan.radio.endswith(SEALED):
        pytest.skip("its frames are not sealed")
    for node in range(group.nodes):
        assert any("frames are sealed with it" in line for line in group.ask(node, "cats key"))
    # It is neither echoed nor in the history of commands.
    assert not any("0001020304" in line for line in group.ask(0, "history"))


def test_every_output_with_nothing_lost(group):
    logs = inferred(group, 4)
    assert all_heard(group, logs)


def test_the_shell_shows_the_same(group):
    logs = group.new_logs()
    said = group.infer(1, logs)
    number, node = map(int, re.search(r"inference (\d+) node (\d+): lost", said).groups())
    shown = re.search(r"^output((?: -?\d+)+)$", said, re.MULTILINE)
    (result,) = [r for r in logs[node].results if r.number == number]
    assert [int(value) for value in shown[1].split()] == result.output[
        : len(shown[1].split())
    ].tolist()
    assert group.check(logs)[1] == []


@pytest.mark.parametrize(("per_cent", "seed"), [(5, 1), (20, 2)])
def test_every_output_with_losses_by_seed(group, per_cent, seed):
    """Each node drops frames of its own choice, by the seed; what repair does not bring is lost."""
    group.loss(per_cent, seed)
    try:
        logs = group.new_logs()
        for sample in range(3):
            group.infer(sample, logs)
    finally:
        group.loss(0)
    compared, different = group.check(logs)
    assert different == [] and compared >= 3 * group.nodes
    for node in range(group.nodes):
        said = "\n".join(group.ask(node, "cats stats"))
        assert int(re.search(r"(\d+) dropped", said)[1]) > 0
    assert per_cent < 20 or sum(result.lost for log in logs for result in log.results) > 0
    # And they bear no grudge.
    assert all_heard(group, inferred(group))


@pytest.mark.parametrize("last", [True, False], ids=["the last node", "the leader"])
def test_reset_in_an_inference(group, last):
    """The others end what they are in; the node takes part again in the next one."""
    victim, first = (group.nodes - 1, 0) if last else (0, 1)
    logs = group.new_logs()
    group.start(0, first)
    group.reset(victim)
    group.finish(logs, first)
    assert all(log.results for node, log in enumerate(logs) if node != victim)
    group.new_logs()
    assert all_heard(group, inferred(group))


def need_power(group, node):
    if not group.boards.has_power(node):
        pytest.skip(f"the map has no cats_power for node {node}")


def test_power_cut(group):
    """Without the node the others' outputs are right for what they have; with it they lack nothing,
    and a sealed one still has its key and goes on with its numbers."""
    victim = group.nodes - 1
    need_power(group, victim)
    group.power_off(victim)
    try:
        logs = inferred(group)
        silent = [result.silent for log in logs for result in log.results]
        assert all(bits >> victim & 1 for bits in silent)
    finally:
        group.power_on(victim)
    assert all_heard(group, inferred(group))


def test_power_cut_in_an_inference(group):
    """At any moment: the others end it."""
    victim = group.nodes - 1
    need_power(group, victim)
    logs = group.new_logs()
    group.start(0)
    time.sleep(group.planned_us / 2e6)
    group.power_off(victim)
    try:
        group.finish(logs)
        assert all(log.results for log in logs[:victim])
        logs = inferred(group)
    finally:
        group.power_on(victim)
    group.new_logs()
    assert all_heard(group, inferred(group))


def test_nodes_without_power_are_told(group):
    """A node that is on is not switched on again."""
    if not simulated(group):
        pytest.skip("a relay does not know")
    with pytest.raises(CatsError, match="node 0 is on"):
        group.boards.power_on(0)

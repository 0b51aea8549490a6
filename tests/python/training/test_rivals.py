# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Rivals of joint inference: what each may know, what a lost frame takes, and what it costs."""

import numpy as np
import pytest
import torch

from cats.errors import CatsError
from cats.plan.alternatives import to_gateway
from cats.plan.boards import BOARDS
from cats.shape.config import ModelConfig, SplitConfig
from cats.tasks import generator_of
from cats.tasks.arrays import ClassTask
from cats.training import rivals
from cats.training.options import Training
from cats.training.rivals import Rival

BOARD = BOARDS["nrf52840"]
SMALL = {"features": 8, "heads": 2}


class Sign(ClassTask):
    """Whether two sensors have the same sign: neither knows."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        signs = rng.integers(0, 2, (400, 2)) * 2 - 1
        samples = signs[:, None, :] + rng.normal(0, 0.2, (400, 4, 2))
        self.use(samples, ["same" if a == b else "other" for a, b in signs], patch=2)


@pytest.fixture(scope="module")
def sign():
    task = Sign()
    task.name = "sign"
    return task


def right(task, rival, **options):
    training = Training(epochs=12, lr=1e-2, message_dropout=(0.0, 0.2), threads=1, payload=100)
    model, known = rivals.train(rival, task, training)
    assert known["parameters"] > 0
    found = rivals.answers(model, task.test.inputs, **options)
    return {k: (v == task.test.targets).double().mean(-1) for k, v in found.items()}


@pytest.mark.parametrize("way", ["late", "tokens", "raw"])
def test_what_lies_between_sensors_is_known_at_a_hub(sign, way):
    assert right(sign, Rival(way, 2, **SMALL))[way] > 0.95


def test_threads_are_those_of_the_training(sign, monkeypatch):
    seen = set()
    heard = rivals.heard

    def counted(*arguments):
        seen.add(torch.get_num_threads())
        return heard(*arguments)

    monkeypatch.setattr(rivals, "heard", counted)
    before = torch.get_num_threads()
    rivals.train(Rival("raw", **SMALL), sign, Training(epochs=1, threads=before + 1))
    assert seen == {before + 1} and torch.get_num_threads() == before


def test_alone_nobody_knows_it(sign):
    found = right(sign, Rival("alone", **SMALL))
    assert set(found) == {"own answer", "vote", "probabilities"}
    assert found["own answer"].shape == (2,) and found["own answer"].max() < 0.65
    assert found["vote"] < 0.8  # three quarters: "same" only where both say so


def test_sensors_side_by_side_are_as_each_by_itself():
    config = ModelConfig(4, 3, 5, features=8, heads=2, hidden=16, blocks=2)
    three = rivals.Transformers(3, config)
    x = torch.randn(3, 6, 4, 3)
    together = three(x)
    for i in range(3):
        one = rivals.Transformers(1, config)
        one.load_state_dict({k: v[i : i + 1] for k, v in three.state_dict().items()})
        assert torch.allclose(one(x[i : i + 1])[0], together[i], atol=1e-5)


def test_a_lost_frame_takes_its_bytes_and_the_hub_has_its_own():
    there = rivals.heard(500, 4, 10, 4, 0.3, generator_of(0))
    assert there.shape == (500, 4, 10) and there[:, 0].all()
    assert 0.25 < 1 - there[:, 1:].double().mean() < 0.35
    for begin, end in ((0, 4), (4, 8), (8, 10)):  # bytes of one frame share its fate
        assert (there[..., begin:end] == there[..., begin : begin + 1]).all()
    assert rivals.heard(5, 4, 10, 4, 0.0, generator_of(0)) is None


def test_a_hub_that_hears_nobody_loses_frames_together():
    modes = ("links", "receiver", "source")
    there = rivals.heard(3000, 4, 8, 4, 0.3, generator_of(0), modes)[:, 1:, ::4]
    assert 0.28 < 1 - there.double().mean() < 0.32  # as many as one by one
    none = ~there.any(1)  # [n, frames]
    assert abs(none.double().mean() - (0.3 + 2 * 0.3**3) / 3) < 0.02
    assert (none[:, 0] != none[:, 1]).any()  # each row of frames by itself


def test_all_lost_is_the_hub_alone(sign):
    training = Training(epochs=1, threads=1)
    model, _ = rivals.train(Rival("late", 2, **SMALL), sign, training)
    x = sign.test.inputs[:8].clone()
    before = rivals.answers(model, x, loss=1.0)["late"]
    x[:, :, 2:] = 9.0  # of the other sensor
    assert torch.equal(before, rivals.answers(model, x, loss=1.0)["late"])


def test_votes_that_are_lost_are_not_counted(sign):
    model, _ = rivals.train(Rival("alone", **SMALL), sign, Training(epochs=1, threads=1))
    found = rivals.answers(model, sign.test.inputs, loss=1.0)
    assert torch.equal(found["vote"], found["own answer"][0])
    assert torch.equal(found["probabilities"], found["own answer"][0])


def test_what_is_sent_is_a_byte_a_value():
    x = torch.linspace(-3, 3, 50, requires_grad=True)
    sent = rivals.rounded(x)
    assert torch.allclose((sent * 127).round(), sent * 127, atol=1e-4) and sent.abs().max() <= 1
    sent.sum().backward()
    assert (x.grad > 0).all()


def test_costs():
    config = ModelConfig(16, 8 * 128, 8, features=32, heads=8, hidden=64, blocks=1)
    split = SplitConfig.even(config, 8, "channels", "single", 8)
    cost = {
        rival.way: rivals.cost(rival, config, 8, "ble_2m", BOARD)
        for rival in (Rival("late", 24), Rival("tokens", 4), Rival("raw"))
    }
    raw = to_gateway(config, split, "ble_2m", BOARD)["nodes"]
    assert cost["raw"]["bytes_on_air"] == sum(node["bytes_on_air"] for node in raw[1:])
    assert Rival("late", 24).sent(config, 8) == 24 and Rival("tokens", 4).sent(config, 8) == 64
    sizes = [cost[way]["bytes_on_air"] for way in ("late", "tokens", "raw")]
    assert sizes == sorted(sizes)
    for made in cost.values():
        assert made["fits"] and 0 < made["energy_mj"] < made["energy_all_mj"]
    alone = {
        name: rivals.cost(Rival("alone"), config, 8, "ble_2m", BOARD, name) for name in rivals.ALONE
    }
    assert alone["best sensor"]["bytes_on_air"] == alone["own answer"]["bytes_on_air"] == 0
    assert alone["probabilities"]["bytes_on_air"] - alone["vote"]["bytes_on_air"] == 7 * 7
    plain, served = (
        rivals.cost(Rival("late", 24), config, 8, "ble_2m", BOARD, served=told)
        for told in (False, True)
    )
    frames = rivals.OPENINGS + 1  # of 21 bytes each, and two bytes a class
    assert served["bytes_on_air"] - plain["bytes_on_air"] == 21 * frames + 16
    assert served["frames"] - plain["frames"] == frames
    for key in ("inference_us", "energy_mj", "energy_all_mj"):
        assert served[key] > plain[key]
    silent = rivals.cost(Rival("alone"), config, 8, "ble_2m", BOARD, "best sensor", True)
    assert silent["bytes_on_air"] == 0
    huge = Rival("raw", features=512, heads=8, blocks=4)
    assert not rivals.cost(huge, config, 8, "ble_2m", BOARD)["fits"]


def test_what_cannot_be():
    with pytest.raises(CatsError, match="way is 'loud'"):
        Rival("loud")
    with pytest.raises(CatsError, match="not those of 3 sensors"):
        rivals.RivalModel(Rival("raw"), ModelConfig(4, 8, 2), 3)


def test_nodes_with_several_channels(sign):
    training = Training(epochs=1, threads=1)
    model, _ = rivals.train(Rival("alone", **SMALL), sign, training, sensors=1)
    assert rivals.answers(model, sign.test.inputs)["own answer"].shape == (1, len(sign.test))

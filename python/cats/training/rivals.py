# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""What else nodes with a sensor each may do than run one transformer together: each its own model,
with a vote or with one learned vector sent to a hub (late fusion), learned columns of every token
sent to a hub, or the raw samples.

The hub is node 0, as it is the one that asks. What is sent is one byte a value; what a node sends
is cut into frames, which are lost in the ways of ``cats.nn.message_dropout``, in training as on the
air. All is computed in float, which favours it: a deployment of CATS is scored by its integers.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from cats.errors import CatsError
from cats.nn.message_dropout import PAYLOAD
from cats.plan.alternatives import to_one
from cats.plan.boards import Board
from cats.plan.energy import Duty
from cats.plan.predict import deployment
from cats.plan.radio import FRAME_HEADER
from cats.plan.radio import radio as radio_named
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.partition import full_keep
from cats.tasks import Task, generator_of
from cats.training.device import threads
from cats.training.options import Training

#: Ways to do it: each sensor by itself; one vector to the hub; some columns of every token; raw.
WAYS = ("alone", "late", "tokens", "raw")
#: What ``answers`` makes of models that each have one sensor.
ALONE = ("best sensor", "own answer", "vote", "probabilities")
#: Frames that open an inference, one of which each node should hear.
OPENINGS = 2


@dataclass(frozen=True)
class Rival:
    """A way, and its shape. ``values``: of a ``late`` vector, or of a token of ``tokens``; the
    transformers have ``features``, ``heads`` and ``blocks``, and twice as many hidden columns."""

    way: str
    values: int = 8
    features: int = 32
    heads: int = 4
    blocks: int = 1

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise CatsError(f"way is {self.way!r}: one of {', '.join(WAYS)}")

    def sent(self, config: ModelConfig, sensors: int) -> int:
        """Bytes that each node but the hub sends; of nodes that vote one."""
        columns = {"raw": config.inputs // sensors, "tokens": self.values}.get(self.way)
        return config.tokens_in * columns if columns else self.values if self.way == "late" else 1

    def at_node(self, config: ModelConfig, sensors: int) -> ModelConfig | None:
        """The transformer that each node computes; None where a node only embeds, or not that."""
        if self.way in ("tokens", "raw"):
            return None
        outputs = self.values if self.way == "late" else config.outputs
        return self._shape(config, config.inputs // sensors, outputs)

    def at_hub(self, config: ModelConfig, sensors: int) -> ModelConfig | None:
        """The transformer that the hub computes beside."""
        if self.way in ("alone", "late"):
            return None
        columns = config.inputs if self.way == "raw" else sensors * self.values
        return self._shape(config, columns, config.outputs)

    def _shape(self, config: ModelConfig, inputs: int, outputs: int) -> ModelConfig:
        shape = {"features": self.features, "heads": self.heads, "hidden": 2 * self.features}
        return ModelConfig(
            config.tokens_in, inputs, outputs, blocks=self.blocks, activation="gelu", **shape
        )


class Linears(nn.Module):
    """``count`` linear layers side by side: [count, B, inputs] to [count, B, outputs]."""

    def __init__(self, count: int, inputs: int, outputs: int) -> None:
        super().__init__()
        limit = math.sqrt(6 / (inputs + outputs))
        self.weight = nn.Parameter(torch.empty(count, inputs, outputs).uniform_(-limit, limit))
        self.bias = nn.Parameter(torch.zeros(count, 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        rows = torch.baddbmm(self.bias, x.flatten(1, -2), self.weight)
        return rows.unflatten(1, x.shape[1:-1])


class Norms(nn.Module):
    """As many layer norms."""

    def __init__(self, count: int, features: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(count, 1, 1, features))
        self.bias = nn.Parameter(torch.zeros(count, 1, 1, features))

    def forward(self, x: Tensor) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:]) * self.gain + self.bias


class Transformers(nn.Module):
    """``count`` plain transformers side by side, of one shape and each with its own weights:
    [count, B, tokens_in, inputs] to [count, B, outputs], of the mean over tokens."""

    def __init__(self, count: int, config: ModelConfig) -> None:
        super().__init__()
        width, hidden = config.features, config.hidden
        self.heads = config.heads
        self.embed = Linears(count, config.inputs, width)
        self.position = nn.Parameter(0.02 * torch.randn(count, 1, config.tokens, width))
        self.blocks = nn.ModuleList(
            nn.ModuleList((
                Norms(count, width), Linears(count, width, 3 * width), Linears(count, width, width),
                Norms(count, width), Linears(count, width, hidden), Linears(count, hidden, width),
            )) for _ in range(config.blocks)
        )  # fmt: skip
        self.norm, self.head = Norms(count, width), Linears(count, width, config.outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x) + self.position
        for norm1, qkv, out, norm2, up, down in self.blocks:
            q, k, v = (
                part.unflatten(-1, (self.heads, -1)).transpose(2, 3)
                for part in qkv(norm1(x)).chunk(3, -1)
            )  # [count, B, heads, N, width / heads]
            heads = functional.scaled_dot_product_attention(q, k, v)
            x = x + out(heads.transpose(2, 3).flatten(3))
            x = x + down(functional.gelu(up(norm2(x))))
        return self.head(self.norm(x.mean(2, keepdim=True)))[:, :, 0]


class RivalModel(nn.Module):
    """A rival's weights, and what becomes of lost frames: their values are zero at the hub."""

    def __init__(self, rival: Rival, config: ModelConfig, sensors: int) -> None:
        super().__init__()
        if config.inputs % sensors:
            raise CatsError(f"{config.inputs} input columns are not those of {sensors} sensors")
        self.rival, self.sensors = rival, sensors
        own = config.inputs // sensors
        self.node: nn.Module | None = None
        if node := rival.at_node(config, sensors):
            self.node = Transformers(sensors, node)
        elif rival.way == "tokens":
            self.node = Linears(sensors, own, rival.values)
        if hub := rival.at_hub(config, sensors):
            self.hub: nn.Module = Transformers(1, hub)
        elif rival.way == "late":
            width = 2 * rival.features
            self.hub = nn.Sequential(
                nn.Linear(sensors * rival.values, width),
                nn.GELU(),
                nn.Linear(width, config.outputs),
            )

    def forward(self, x: Tensor, heard: Tensor | None = None) -> Tensor:
        """x [B, N, P] to [B, C], of sensors alone to [sensors, B, C]; ``heard`` bool [B, sensors,
        bytes] is what reached the hub."""
        x = x.unflatten(2, (self.sensors, -1)).permute(2, 0, 1, 3)  # [sensors, B, N, own]
        if self.rival.way == "alone":
            return self.node(x)
        if self.node is not None:
            x = rounded(self.node(x))
        if heard is not None:
            x = x * heard.transpose(0, 1).view_as(x)
        if self.rival.way == "late":
            return self.hub(x.transpose(0, 1).flatten(1))
        return self.hub(x.permute(1, 2, 0, 3).flatten(2)[None])[0]


def rounded(x: Tensor) -> Tensor:
    """As it is sent, -1..1 in 255 steps; the gradient is that of the tangent hyperbolic."""
    x = x.tanh()
    return x + ((x * 127).round() / 127 - x).detach()


def heard(
    count: int,
    sensors: int,
    sent: int,
    payload: int,
    loss: float,
    generator: torch.Generator,
    modes: Sequence[str] = ("links",),
) -> Tensor | None:
    """What reaches the hub, bool [count, sensors, sent], where each frame of ``payload`` bytes is
    lost with probability ``loss``; node 0 is the hub itself. Each sample draws one of ``modes``, as
    ``MessageDropout`` does: in ``receiver`` the hub loses what all nodes send in a row, first
    frames, second ones ... together, in the others each frame by itself."""
    if not loss:
        return None
    frames = torch.rand(count, sensors, math.ceil(sent / payload), generator=generator) >= loss
    if "receiver" in modes:
        drawn = torch.randint(len(modes), (count, 1, 1), generator=generator)
        frames = torch.where(drawn == list(modes).index("receiver"), frames[:, :1], frames)
    frames[:, 0] = True
    return frames.repeat_interleave(payload, 2)[..., :sent]


def train(
    rival: Rival, task: Task, training: Training, sensors: int | None = None
) -> tuple[RivalModel, dict]:
    """(model, figures) of a rival by the options of a training that have a meaning here: epochs,
    batch, lr, weight_decay, warmup, clip, message_dropout, modes, payload, threads, seed.
    ``sensors``: nodes that have an equal part of the input columns each (None: as many as the task
    has channels)."""
    with threads(training.threads):
        return _train(rival, task, training, sensors)


def _train(
    rival: Rival, task: Task, training: Training, sensors: int | None
) -> tuple[RivalModel, dict]:
    begin = time.process_time()
    torch.manual_seed(training.seed % 2**64)
    model = RivalModel(rival, task.model, sensors or task.channels)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=training.lr, weight_decay=training.weight_decay, fused=True
    )
    batch = min(training.batch, task.size)
    steps = training.epochs * (task.size // batch)
    sent, (low, high) = rival.sent(task.model, model.sensors), training.message_dropout
    for step, (x, targets) in enumerate(_batches(task, training, batch)):
        draws = generator_of(training.seed * 1_000_003 + step)
        loss = low + (high - low) * torch.rand((), generator=draws).item()
        arrived = heard(len(x), model.sensors, sent, training.payload, loss, draws, training.modes)
        output = model(x, arrived)
        if rival.way == "alone":
            targets, output = targets.repeat(model.sensors), output.flatten(0, 1)
        optimizer.zero_grad()
        task.loss(output[:, None], targets).backward()
        nn.utils.clip_grad_norm_(model.parameters(), training.clip)
        for group in optimizer.param_groups:
            group["lr"] = training.rate(step, steps)
        optimizer.step()
    model.eval()
    parameters = sum(value.numel() for value in model.parameters())
    return model, {"parameters": parameters, "cpu_seconds": time.process_time() - begin}


def _batches(task: Task, training: Training, batch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """All batches of all epochs."""
    for epoch in range(training.epochs):
        seed = training.seed * 1_000_003 + epoch
        order, noise = generator_of(seed), generator_of(seed * 1009 + 1)
        yield from task.batches(batch, 1, order, noise)


@torch.no_grad()
def answers(
    model: RivalModel,
    inputs: Tensor,
    loss: float = 0.0,
    seed: int = 0,
    payload: int = PAYLOAD,
    modes: Sequence[str] = ("links",),
) -> dict[str, Tensor]:
    """What the hub answers by name of the way, classes int64 [n], where frames are lost. Of sensors
    alone the answer of each, [sensors, n], as ``own answer``, and what a vote and the sum of their
    probabilities say; ties are the lowest class's."""
    draws, rival = generator_of(seed), model.rival
    config = ModelConfig(inputs.shape[1], inputs.shape[2], 1)
    sent = rival.sent(config, model.sensors)
    parts = []
    for part in inputs.split(256):
        arrived = heard(len(part), model.sensors, sent, payload, loss, draws, modes)
        if rival.way == "alone":
            logits = model(part)
            there = torch.ones(len(part), model.sensors, 1) if arrived is None else arrived
            there = there.transpose(0, 1).float()  # [sensors, n, 1]
            votes = functional.one_hot(logits.argmax(2), logits.shape[2]).float()
            parts.append({
                "own answer": logits.argmax(2).T,
                "vote": (votes * there).sum(0).argmax(1),
                "probabilities": (logits.softmax(2) * there).sum(0).argmax(1),
            })  # fmt: skip
        else:
            parts.append({rival.way: model(part, arrived).argmax(1)})
    found = {name: torch.cat([part[name] for part in parts]) for name in parts[0]}
    if "own answer" in found:
        found["own answer"] = found["own answer"].T
    return found


def cost(
    rival: Rival,
    config: ModelConfig,
    sensors: int,
    radio: str,
    board: Board,
    answer: str = "",
    served: bool = False,
) -> dict:
    """Bytes on air, microseconds and millijoules of one inference in which nothing is lost, as
    JSON: each node computes, sends frame behind frame to the hub, which listens, and computes what
    is its own. Of the hub's answer nobody is told, a vector's or token's own embedding and the
    layers behind late fusion take no time, and no node sleeps while it waits for its turn: the
    first two favour rivals. ``answer``: of sensors alone, which of ``ALONE``. ``served``: as in a
    deployment the hub opens the inference, by two frames of which each node hears one, and tells
    its answer, two bytes a class."""
    sent = rival.sent(config, sensors)
    if rival.way == "alone":
        sent = {"vote": 1, "probabilities": config.outputs}.get(answer, 0)
    air = to_one(dict.fromkeys(range(1, sensors), sent), radio, board)
    at_node, at_hub = (
        _computing(shape, board, radio)
        for shape in (rival.at_node(config, sensors), rival.at_hub(config, sensors))
    )
    waits = air["inference_us"]
    channel, told = radio_named(radio), 2 * config.outputs
    frames = OPENINGS + 1 if served and air["frames"] else 0
    opening, telling = (channel.air_us(FRAME_HEADER + size) for size in (0, told))
    sends, hears = (OPENINGS * opening + telling, opening + telling) if frames else (0.0, 0.0)
    hub = Duty(sends, waits, at_node["compute_us"] + at_hub["compute_us"])
    spent = [hub.millijoules(board.currents, radio)]
    computed = Duty(0.0, 0.0, at_node["compute_us"]).millijoules(board.currents, radio)
    computed += Duty(0.0, hears, 0.0).millijoules(board.currents, radio)
    spent += [computed + node["energy_mj"] for node in air["nodes"]]
    waits += sends + frames * channel.guard_us
    size = told + frames * (FRAME_HEADER + channel.overhead) if frames else 0
    return {
        "bytes_on_air": air["bytes_on_air"] + size,
        "frames": air["frames"] + frames,
        "inference_us": round(waits + at_node["compute_us"] + at_hub["compute_us"]),
        "energy_mj": max(spent),
        "energy_all_mj": sum(spent),
        "fits": at_node["fits"] and at_hub["fits"],
    }


def _computing(shape: ModelConfig | None, board: Board, radio: str) -> dict:
    """What a transformer takes of one board by itself."""
    if shape is None:
        return {"compute_us": 0, "fits": True}
    split = SplitConfig.even(shape, 1)
    made = deployment(shape, split, full_keep(shape, split), board, radios=(radio,))
    return made["radios"][radio]

# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""D engines of the C code, exchange by exchange, with no gather between them."""

import numpy as np

from cats.deploy import image
from cats.integer.model import IntegerModel
from cats.plan.plan import Plan
from cats.shape.partition import given_ranges
from cats.sim.engine import Engine


def engines_of(model: IntegerModel, plan: Plan) -> list[Engine]:
    ident = image.model_id(model, plan)
    return [Engine(image.pack(model, plan, d, ident)) for d in range(model.split.nodes)]


def lockstep(
    model, plan, engines, inputs, bits, ahead=lambda: False, there=None, owner=0
) -> list[np.ndarray]:
    """One inference of all nodes. ``ahead`` decides, node by node and exchange by exchange, whether
    a node is ahead as far as the engine allows it: it produces the next tile of a gather with two
    buffers before it consumes this one, and sends the next exchange before others consume this.
    ``there``: nodes that take part (all); what others sent is not in ``bits``. ``inputs``: or a
    list of those that each node is given. ``owner``: who sends the row of a token."""
    owned = given_ranges(model.config, model.split)
    nodes = range(len(engines)) if there is None else sorted(there)
    for node in nodes:
        given = inputs[node] if isinstance(inputs, list) else inputs
        engines[node].begin(given[:, slice(*owned[node])])
    first, *others = engines[0].exchanges()
    order = [(*first, owner), *others]
    sent = set()

    def send(x, source):
        g, tile = x[:2]
        if (x, source) in sent:
            return
        sent.add((x, source))
        engines[source].produce(x)
        for f in range(engines[source].fragments(x, source)):
            payload = engines[source].payload(x, f)
            for receiver, engine in enumerate(engines):
                if receiver in nodes and receiver != source and bits[g][tile][receiver][source][f]:
                    engine.place(x, source, f, payload)

    for x, after in zip(order, [*order[1:], None], strict=True):
        for source in nodes:
            send(x, source)
        double = after and after[0] == x[0] and plan.gathers[x[0]].buffers == 2
        apart = double or (after and after[0] != x[0])
        for node in nodes:
            if double and ahead():
                send(after, node)
            engines[node].consume(x)
            if apart and ahead():
                send(after, node)
    return [engine.output() for engine in engines]

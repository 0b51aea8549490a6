# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The package's face in Python: what it takes, what it refuses, and that it does what the program
does."""

import dataclasses
import inspect
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset

import cats
from cats.api.data import OwnTask
from cats.nn.deal import deal
from cats.nn.prune import select
from cats.plan.planner import make_plan
from cats.shape.config import SplitConfig
from cats.training.evaluate import score_at
from cats.training.loop import train
from cats.training.options import Training
from command_line import status

TOKENS, COLUMNS, CLASSES = 6, 4, 3
FIT = {"epochs": 2, "batch": 20, "lr": 1e-2, "threads": 1, "seed": 3}


@pytest.fixture(scope="module")
def data():
    """Inputs and class numbers, which the first column's trend tells."""
    generator = torch.Generator().manual_seed(0)
    y = torch.randint(0, CLASSES, (160,), generator=generator)
    x = 0.5 * torch.randn(160, TOKENS, COLUMNS, generator=generator)
    x[:, :, 0] += torch.linspace(-1, 1, TOKENS) * (y[:, None] - 1)
    return x, y


@pytest.fixture
def net():
    return cats.partition(_model(), 3)


def _model(outputs=CLASSES, **options):
    shape = {"features": 8, "heads": 4, "hidden": 8, "blocks": 1, "seed": 0, **options}
    return cats.Transformer(TOKENS, COLUMNS, outputs, **shape)


def _metadata():
    channels = tuple(cats.Channel(f"c{i}", "g", low=-2.0, high=2.0) for i in range(COLUMNS))
    return cats.Metadata(channels, 1, TOKENS, (1, 1), classes=("falls", "stays", "rises"))


def _equal(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# The face


def test_the_import_is_light():
    code = (
        "import sys, cats\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'cats.api', 'cats.plan'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert 'fit' in dir(cats) and cats.CatsError and not hasattr(cats, 'fly')\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_name_is_there_and_says_what_it_does():
    assert sorted(cats.__all__) == cats.__all__ and set(cats.__all__) <= set(dir(cats))
    for name in set(cats.__all__) - {"__version__"}:
        found = getattr(cats, name)
        assert callable(found) and inspect.getdoc(found), name
    names = {}
    exec("from cats import *", names)
    assert set(cats.__all__) <= set(names)


def test_the_room_that_can_be_called(net):
    """``cats.plan`` is a package as well."""
    import cats.plan.radio as radio

    assert cats.plan.radio is radio
    assert cats.plan(net).plan == make_plan(net.config, net.split, net.keep)


# Nets


def test_a_net_of_a_shape():
    state = torch.get_rng_state()
    one, other = _model(), _model()
    assert torch.equal(torch.get_rng_state(), state) and _equal(one, other)
    assert not _equal(one, _model(seed=1))
    assert one(torch.zeros(2, TOKENS, COLUMNS)).shape == (2, 1, CLASSES)
    torch.manual_seed(0)
    assert _equal(one, _model(seed=None))


def test_a_partition_is_what_its_parts_give(data):
    model = _model()
    whole = model(data[0])
    for options in (
        {"nodes": 4},
        {"shares": (2, 1, 1), "output_split": "even"},
        {"nodes": 2, "input_split": "channels", "sensors": 2},
    ):
        net = cats.partition(model, **options)
        torch.testing.assert_close(net(data[0]), whole)
        assert model.split.nodes == 1
    pruned = cats.partition(model, 4, keep={"hidden": 0.5, "heads": 0.5})
    dealt, _ = deal(model, SplitConfig.even(model.config, 4, output_split="single"))
    ratios = Training(keep={"hidden": 0.5, "heads": 0.5}).keep_ratios()
    assert pruned.keep == select(dealt, ratios) != dealt.keep
    with pytest.warns(UserWarning, match="pruned in attention"):
        cats.partition(cats.partition(model, 4, keep=0.5), 2)


def test_losses_for_a_loop_of_one_s_own(net, data):
    draws = cats.message_dropout(net, 0.5, patterns=10)
    first, second = (
        net(data[0][:10], draws.draw(10, torch.Generator().manual_seed(seed))) for seed in (0, 1)
    )
    assert not torch.equal(first, second) and first.shape == (10, 1, CLASSES)
    first.sum().backward()
    assert all(p.grad is not None for p in net.parameters())


# Training


def test_fit_is_the_training_of_the_program(net, data):
    """The same weights as the loop gives with the same samples and options."""
    before = {name: value.clone() for name, value in net.state_dict().items()}
    task = OwnTask(net.config, data, (data[0][:40], data[1][:40]))
    options = Training(
        **FIT, message_dropout=(0.0, 0.4), keep=0.5, prune_steps=1, prune_from=0, prune_until=0
    )
    wanted, metrics = train(task, net.config, net.split, options, init=net)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    seen = []
    fit = cats.fit(
        net, data, (data[0][:40], data[1][:40]), losses="0:0.4", keep=0.5, prune_steps=1,
        prune_from=0.0, prune_until=0.0, after_epoch=lambda epoch, record: seen.append(epoch),
        **FIT,
    )  # fmt: skip
    assert fit.net is net and _equal(net, wanted) and net.keep == wanted.keep
    assert fit.history == metrics["history"] and seen == [0, 1]
    assert fit.validation == metrics["validation"] and not net.training


def _fitted(source, **options):
    net = cats.partition(_model(), 3)
    cats.fit(net, source, **{**FIT, "batch": None, **options})
    return net


def test_arrays_tensors_sets_and_loaders(data):
    arrays = data[0].double().numpy(), data[1].numpy().astype(np.int8)
    assert _equal(_fitted(data, batch=20), _fitted(arrays, batch=20))
    loader = DataLoader(TensorDataset(*data), batch_size=20, shuffle=True)
    by_loader = _fitted(loader)
    assert _equal(by_loader, _fitted(loader)) and _equal(
        by_loader, _fitted(TensorDataset(*data), batch=20)
    )
    assert not _equal(by_loader, _fitted(loader, seed=4))


def test_a_loader_keeps_its_order_and_its_full_batches(data):
    loader = DataLoader(TensorDataset(*data), batch_size=50)  # 160 samples: 3 of 50, 10 left out
    task = OwnTask(_model().config, loader)
    assert (task.size, task.batch_size) == (160, 50)
    generator = torch.Generator().manual_seed(0)
    batches = list(task.batches(50, 1, generator, generator))
    assert torch.equal(torch.cat([x for x, _ in batches]), data[0][:150])
    few = DataLoader(TensorDataset(*data), batch_size=500)
    (only,) = OwnTask(_model().config, few).batches(160, 1, generator, generator)
    assert torch.equal(only[1], data[1])
    draws = list(task.draws(7, 20, 1, generator))
    assert [len(x) for x, _ in draws] == [20] * 7


def test_random_numbers_of_a_data_set_are_the_seed_s(data):
    """Augmentation inside a data set repeats, and takes nothing from other random numbers."""

    class Noisy(TensorDataset):
        def __getitem__(self, i):
            x, y = super().__getitem__(i)
            return x + torch.randn(x.shape), y

    loader = DataLoader(Noisy(*data), batch_size=20, shuffle=True)
    torch.manual_seed(1)
    one = _fitted(loader, dropout=0.2)
    torch.manual_seed(2)
    state = torch.get_rng_state()
    assert _equal(one, _fitted(loader, dropout=0.2))
    assert torch.equal(torch.get_rng_state(), state)


def test_numbers_as_targets_and_functions_of_one_s_own(data):
    x = data[0]
    y = torch.stack((x[:, :, 0].mean(1), x[:, -1, 1]), 1)
    calls = []

    def worst(output, targets):
        calls.append(output.shape)
        return (output - targets).abs().max()

    net = cats.partition(_model(2), 2)
    fit = cats.fit(net, (x, y), (x[:30], y[:30]), loss="mae", losses=0, **FIT)
    assert set(fit.validation) == {"mae"} and fit.history[1]["loss"] < fit.history[0]["loss"]
    fit = cats.fit(
        net, (x, y), (x[:30], y[:30]), loss=torch.nn.SmoothL1Loss(), metric=worst, losses=0, **FIT
    )
    assert set(fit.validation) == {"worst"} and set(calls) == {torch.Size([30, 2])}
    one = cats.partition(_model(1, pool="last", causal=True), 2)
    assert set(cats.fit(one, (x, y[:, 0]), (x, y[:, 0]), **FIT).validation) == {"mse"}
    rows = cats.partition(_model(CLASSES, pool="all"), 2)
    every = data[1][:, None].expand(-1, TOKENS)
    assert set(cats.fit(rows, (x, every), (x, every), **FIT).validation) == {"accuracy"}


def test_a_run_folder_resumes_and_loads(net, data, tmp_path):
    whole = cats.partition(_model(), 3)
    options = {**FIT, "epochs": 3, "out": tmp_path / "run"}
    cats.fit(whole, data, **{**options, "out": None})

    def stop(epoch, record):
        raise KeyboardInterrupt

    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(KeyboardInterrupt):
        cats.fit(net, data, after_epoch=stop, checkpoint_seconds=0.0, **options)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    cats.fit(net, data, resume=True, **options)
    assert _equal(net, whole) and _equal(cats.load(tmp_path / "run"), whole)
    with pytest.raises(cats.CatsError, match="--force"):
        cats.fit(net, data, **options)


def test_the_program_takes_a_run_as_far_as_it_knows_it(net, data, tmp_path, capsys):
    """With metadata it predicts; it cannot score, nor calibrate, without the data."""
    run, file = tmp_path / "run", tmp_path / "new.csv"
    cats.fit(net, data, out=run, metadata=_metadata(), **FIT)
    rows = [",".join(map(str, row)) for row in data[0][:2].flatten(0, 1).tolist()]
    samples = [f"{i // TOKENS},{row}" for i, row in enumerate(rows)]
    file.write_text("\n".join(["sample,c0,c1,c2,c3", *samples]) + "\n")
    assert status("predict", run, file) == 0
    assert "falls" in (told := capsys.readouterr().out) or "stays" in told or "rises" in told
    assert cats.load(run).metadata == _metadata() == cats.partition(net, 2).metadata
    for command in (["evaluate", run], ["export", run, "-o", tmp_path / "deploy"]):
        assert status(*command) == 2
        assert "trained in Python, on data that no task has" in capsys.readouterr().err


def test_trained_with_roundings_brings_its_scales(net, data, tmp_path):
    cats.fit(net, data, qat=1, out=tmp_path / "run", **FIT)
    assert net.scales is not None and cats.load(tmp_path / "run").scales == net.scales
    one, other = cats.quantize(net, data[0][:2]), cats.quantize(net, data[0][-2:])
    assert one.input_scale == other.input_scale
    assert cats.partition(net, 3, keep=0.5).scales is None


# Figures


def test_evaluation_is_that_of_the_program(net, data):
    curve = cats.evaluate(net, data, losses=[0, 0.3], repeats=2, seed=5)
    task = OwnTask(net.config, test=data)
    want = [score_at(net, task, task.test, 0.3, seed)["accuracy"] for seed in (5, 6)]
    assert curve.records[1]["accuracy"]["least"] == min(want)
    assert curve.records[1]["accuracy"]["largest"] == max(want)
    assert "30.0 %" in str(curve)
    integers = cats.quantize(net, data)
    same = cats.evaluate(integers, data, losses="0").records[0]["accuracy"]["mean"]
    assert same == pytest.approx(curve.records[0]["accuracy"]["mean"], abs=0.05)


# Devices


@pytest.fixture(scope="module")
def integers(data):
    return cats.quantize(cats.partition(_model(), 3, keep=0.5), data)


def test_export_simulate_and_load(integers, data, tmp_path):
    plan = cats.plan(integers, radio="nrf_radio", rounds=1)
    made = cats.export(integers, plan, tmp_path / "d", metadata=_metadata(), counts_per_unit=[4096])
    assert made.model.metadata.channels[0].counts_per_unit == 4096
    assert made.plan.plan == plan.plan and made.meta["metadata"]["classes"][2] == "rises"
    again = cats.load(str(tmp_path / "d"))
    assert again.images == made.images and str(again) == str(made)
    some = data[0][:12], data[1][:12]
    runs = [cats.simulate(what, some, loss=0.3, seed=2) for what in (made, again, tmp_path / "d")]
    assert all(run.equal_to_reference and run.outputs.shape == (12, CLASSES) for run in runs)
    assert all(np.array_equal(run.by_node, runs[0].by_node, equal_nan=True) for run in runs)
    assert "accuracy" in str(runs[0]) and 0 <= runs[0].quality <= 1
    planned = cats.simulate(integers, some[0].numpy(), plan, loss=0.3, seed=2)
    assert np.array_equal(planned.outputs, runs[0].outputs) and planned.quality is None
    other = cats.simulate(made, some[0], radio="ieee802154", rounds=0)
    assert other.result.frames[0] > 0 and other.equal_to_reference
    with pytest.raises(cats.CatsError, match="--force"):
        cats.export(integers, plan, tmp_path / "d")


def test_what_nodes_say_without_one_of_them(integers, data):
    run = cats.simulate(integers, data[0][:5], dead=[1])
    assert np.isfinite(run.outputs).all() and np.isnan(run.by_node[:, 1]).all()
    faults = cats.simulate(integers, data[0][:5], faults=cats.Faults(off=[1], named=True))
    assert np.array_equal(run.by_node, faults.by_node, equal_nan=True)
    first = cats.simulate(integers, data[0][:5], dead=[0])
    assert np.isnan(first.outputs).all() and "-" in str(first)


def test_a_bare_shape_is_planned():
    shape = cats.ModelConfig(64, 16, 10, features=128, heads=16)
    plans = [cats.plan(shape, nodes=n, keep=0.5, radio="nrf_radio", secure=True) for n in (1, 16)]
    assert plans[0].nodes[0]["arena_bytes"] > 4 * plans[1].nodes[0]["arena_bytes"]
    assert plans[1].plan.radio == "nrf_radio+secure" and len(plans[1].nodes) == 16
    assert cats.plan(shape, nodes=16, ram="64K") and "mJ" in str(plans[1])


def test_printed_models_tell_what_is_sent(integers):
    text = str(integers)
    assert text.startswith("int8: ") and "on 3 nodes" in text
    sent = sum(len(columns) for sources in integers.keep for columns in sources)
    assert f"\nall{sent:>{text.splitlines()[-1].index(str(sent)) + len(str(sent)) - 3}}" in text


# Errors


class Endless(IterableDataset):
    def __iter__(self):
        yield torch.zeros(TOKENS, COLUMNS), 0


class Named(Dataset):
    def __len__(self):
        return 3

    def __getitem__(self, i):
        return {"x": torch.zeros(TOKENS, COLUMNS), "y": 0}


X, Y = torch.zeros(30, TOKENS, COLUMNS), torch.zeros(30, dtype=torch.int64)
WRONG = [
    (lambda net: cats.Transformer(6, 4, 3, features=10, heads=4), "cannot be split into 4 heads"),
    (lambda net: cats.Transformer(6, 4, 3, wings=2), "wings"),
    (lambda net: cats.partition(torch.nn.Linear(2, 2), 2), "a Linear is no net .*from_torch"),
    (lambda net: cats.partition(net), "number of nodes, or shares"),
    (lambda net: cats.partition(net, 3, keep={"wings": 0.5}), "keep 'wings': one of attention"),
    (lambda net: cats.partition(net, 3, keep="half"), "keep is 'half'"),
    (lambda net: cats.partition(net, 5), "5 nodes cannot share 4 heads"),
    (lambda net: cats.fit(net, (X[:, :, :3], Y)), r"shape \[30, 6, 3\]: the model takes \[n, 6, 4"),
    (lambda net: cats.fit(net, (X, Y[:20])), r"30 inputs with targets of shape \[20\]"),
    (lambda net: cats.fit(net, (X, Y + 3)), "class numbers go from 3 to 3: 3 outputs have 0 to 2"),
    (lambda net: cats.fit(net, (X, torch.zeros(30, 2))), r"real numbers of shape \['n', 3\]"),
    (lambda net: cats.fit(net, (X / 0, Y)), "training inputs hold NaN or infinity"),
    (lambda net: cats.fit(net, (X, ["a"] * 30)), "training targets are a list: give an array"),
    (lambda net: cats.fit(net, X), "gives a Tensor: give inputs and targets"),
    (lambda net: cats.fit(net, DataLoader(Named())), "gives a dict: give inputs and targets"),
    (lambda net: cats.fit(net, DataLoader(Endless())), "has no length"),
    (lambda net: cats.fit(net, (X, Y), loss="hinge"), "loss is 'hinge': one of cross_entropy"),
    (lambda net: cats.fit(net, (X, Y), metric=3), "metric is a int"),
    (lambda net: cats.fit(net, (X, Y), losses="lots"), "loss probability 'lots'"),
    (lambda net: cats.fit(net, (X, Y), losses=2), "loss probability '2.0'"),
    (lambda net: cats.fit(net, (X, Y), modes="all"), "modes are 'all': one of mixed"),
    (lambda net: cats.fit(net, (X, Y), wings=2), "fit has no option 'wings': one of epochs"),
    (lambda net: cats.fit(net, (X, Y), epochs="many"), "wrong type"),
    (lambda net: cats.fit(net, DataLoader(TensorDataset(X, Y), 10), batch=20), "leave batch out"),
    (lambda net: cats.evaluate(net, (X, Y), losses="2"), "loss '2'"),
    (lambda net: cats.evaluate(net, (X, Y), repeats=0), "0 repeats"),
    (lambda net: cats.evaluate(net, (X, Y), metric="mse"), "accuracy is of class numbers"),
    (lambda net: cats.quantize(net, TensorDataset(X[:0], Y[:0])), "inputs: there are none"),
    (lambda net: cats.fit(net, (X, Y), metadata={"a": 1}), "give a cats.Metadata"),
    (lambda net: cats.quantize(net, X[0]), r"shape \[6, 4\]"),
    (lambda net: cats.quantize(net, X, metadata={}), "metadata is a dict: give a cats.Metadata"),
    (lambda net: cats.plan(3), "a int cannot be planned"),
    (lambda net: cats.plan(net, nodes=4), "of a bare shape"),
    (lambda net: cats.plan(net, ram="much"), "ram: 'much' is not a size"),
    (lambda net: cats.plan(net, board="abacus"), "board 'abacus'"),
    (lambda net: cats.export(net, cats.plan(net), "out"), "cats.quantize"),
    (lambda net: cats.export(_small(), cats.plan(net), "out"), "the plan is of another model"),
    (lambda net: cats.export(_small(), "nrf_radio", "out"), "the plan is a str"),
    (lambda net: cats.simulate(net, X), "nodes compute with integers"),
    (lambda net: cats.simulate(_small(), X, dead=[2]), "there are nodes 0 to 1"),
    (lambda net: cats.simulate(_small(), X, metric="mse"), "a metric needs targets"),
    (lambda net: cats.load("nowhere"), "nowhere is no RUN folder"),
]  # fmt: skip


def _small():
    return cats.quantize(cats.partition(_model(), 2), X + 1)


@pytest.mark.parametrize(("call", "message"), WRONG)
def test_what_is_wrong_is_told_in_one_line(net, call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    with pytest.raises(cats.CatsError, match=message) as caught:
        call(net)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())


def test_every_option_of_the_training_is_one_of_fit():
    """Named, or passed on; none is lost on the way."""
    named = set(inspect.signature(cats.fit).parameters)
    passed = {field.name for field in dataclasses.fields(Training)} - named - {"message_dropout"}
    assert {"qat", "prune_by", "air_budget", "threads", "weight_decay"} <= passed

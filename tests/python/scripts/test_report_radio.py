# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""``make radio-report`` apart from the radio: what it keeps, writes and says."""

import os
from pathlib import Path

import pytest

from cats.errors import CatsError
from cats.zephyr import bsim
from report import radio as report
from report import radio_cells as cells

ROOT = Path(__file__).resolve().parents[3]


def figures(radio="nrf_radio", nodes=4, fault="loss", group="matrix", **changed):
    """Figures of a cell as ``run`` gives them."""
    found = cells.Outcome(
        radio, nodes, fault, runs=1, inferences=10, compared=40, fragments=1000, lost=1,
        latency_us=20_000.0, worst_us=30_000,
    )  # fmt: skip
    return {"group": group, "seconds": 2.0, "processor": 1.0, **report.figures_of(found), **changed}


def gather(rounds, **changed):
    row = {
        "group": "gather", "processor": 1.0, "good": True, "radio": "nrf_radio", "nodes": 16,
        "bytes": 512, "rounds": rounds, "bound_us": 1000, "drift_us": 1100.0, "ratio": 1.1,
        "drift_delivered": 1.0, "drift_late": 0, "loss_us": 1800.0, "slower": 1.5,
        "loss_delivered": 0.9995,
    }  # fmt: skip
    return row | changed


def test_outcomes_add_up():
    total = cells.Outcome("ble", 4, "loss")
    for latency, hung in ((100.0, 0), (300.0, 1)):
        total.add(cells.Outcome("ble", 4, "loss", 1, 10, 40, 0, hung, 2, 100, 5, latency, 400))
    assert (total.runs, total.inferences, total.hung, total.latency_us) == (2, 20, 1, 200.0)
    assert total.delivered == 0.95 and total.missed == 4 and not total.good


def device(results, begun, stopped, submitted=(), wanted=3):
    """A log: ``results``: (number, time); ``begun``: inferences of which it heard a gather."""
    log = bsim.Log(bsim.Device(0, options={"inferences": wanted}), "", stopped=stopped)
    log.started_us = 0
    log.submitted = list(submitted)
    log.heard = {(number, 0, 0): [] for number in begun}
    log.results = [bsim.Inference(n, 0, True, 0, 1, 0, 0, 1, at, None) for n, at in results]
    return log


def test_an_input_is_in_one_inference():
    """A node that stopped in an inference had the input in it that waited, or none: not that of
    which it gave the result before."""
    log = device([(7, 10)], (7, 8), "done", [(0, 5)])
    assert log.waiting() == -1  # its result has sample 0
    log.submitted.append((1, 12))
    assert log.waiting() == 1
    assert device([], (8,), "done").waiting() == -1


def test_what_hangs_and_what_is_missed():
    """A node that never heard of an inference waits in vain for its last result: no inference hung.
    Node 0 came back in the moment in which node 1 opened one in its place, and only that one's own
    node ever knew of it."""
    three = [(n, 10 * n) for n in (1, 2, 3)]
    leads = device(three, (1, 2, 3), "done", [(0, 5)])
    late = device(three[1:], (2, 3), "quiet")
    assert cells.hung([leads, late], {0, 1}) == (0, 1)
    assert cells.hung([leads, device(three[:1], (1,), "killed")], {0}) == (0, 0)
    # Begun, and not ended: before the next one, or for ever. The next one may just run.
    assert cells.hung([leads, device(three[1:], (1, 2, 3), "quiet")], {0, 1}) == (1, 1)
    assert cells.hung([leads, device(three[:2], (1, 2, 3), "quiet")], {0, 1}) == (1, 1)
    assert cells.hung([device(three, (1, 2, 3, 4), "done")], {0}) == (0, 0)
    # An input without a result; a program that stands still; a node that takes part no more.
    assert cells.hung([device(three[:2], (1, 2), "quiet", [(2, 25)])], {0}) == (1, 1)
    assert cells.hung([device(three[:2], (1, 2), None)], {0}) == (1, 1)
    assert cells.hung([leads, device([], (), "quiet")], {0, 1}) == (1, 3)


def test_one_frame_in_ten():
    """Over Bluetooth LE a frame is heard if two packets are."""
    loss = {radio: float(cells.lossy(radio)[1].partition("=")[2]) for radio in cells.TRANSPORTS}
    assert loss["nrf_radio"] == loss["ieee802154"] == 0.1
    assert 1 - (1 - loss["ble"]) ** 2 == pytest.approx(0.1, abs=1e-5)


def test_nothing_compared_is_not_good():
    assert not cells.Outcome("ble", 4, "loss").good


def test_goals_say_what_was_missed():
    def verdicts(*found):
        head, rows = report.tables(found)["goals"]
        assert head == ("goal", "wanted", "measured", "reached")
        return {row[0]: row[3] for row in rows}

    made = verdicts(gather(2, ratio=1.12, slower=1.35), figures())
    assert list(made.values()) == ["yes"] * 5
    made = verdicts(gather(2, ratio=1.13, slower=1.36), figures(different=1))
    assert list(made.values()) == ["no", "yes", "no", "yes", "no"]
    made = verdicts(gather(2, radio="ble", ratio=5.0, slower=1.7, drift_late=1))
    assert made == {
        "16 nodes x 512 bytes, ble, over the bound": "n/a",
        "16 nodes x 512 bytes, ble, 10 % loss, delivered": "yes",
        "16 nodes x 512 bytes, ble, 10 % loss, over clean": "yes",
        "frames too late where nothing is lost": "no",
    }
    made = verdicts(gather(2, nodes=4, bytes=832, loss_delivered=0.998))
    assert made["4 nodes x 832 bytes, nrf_radio, 10 % loss, delivered"] == "no"
    made = verdicts(figures(fault="drift"), figures(fault="loss", late=1))
    assert made["frames too late where nothing is lost"] == "yes"


def test_page_is_filled_between_its_marks():
    page = "a\n.. radio-report: x\n\nold\n\n.. radio-report: end\nb\n.. radio-report: y\nkept\n"
    page += ".. radio-report: end\n"
    filled = report.fill(page, {"x": "new"})
    assert "old" not in filled and "\nnew\n" in filled and "kept" in filled
    assert report.fill(filled, {"x": "new"}) == filled


def test_page_has_a_place_for_every_table():
    made = report.tables([figures(), figures(group="long"), gather(0)])
    page = (ROOT / report.DOC).read_text()
    for name in (*made, "demo", "times", "seconds"):
        assert f".. radio-report: {name}\n" in page


def test_key_changes_with_program_deployment_and_options(tmp_path):
    (tmp_path / "image.bin").write_bytes(b"1")
    made = cells.Deployment(tmp_path, None, 4, "ble")

    def key(name="loss", program="1"):
        return report.key(
            report.Cell("matrix", name, "ble", (made,), report.DEMO_SOURCES, (10,), dict), program
        )

    keys = [key(), key("late"), key(program="2")]
    (tmp_path / "image.bin").write_bytes(b"2")
    keys.append(key())
    assert len(set(keys)) == 4 and keys[-1] == key()


def test_table_and_plots(tmp_path):
    text = report.rst_table(("a", "long"), [("12345", "x")])
    assert text.splitlines() == ["===== ====", "a     long", "===== ====", "12345 x", "===== ===="]
    found = [figures(nodes=n, fault=f) for n in (2, 16) for f in ("drift", "loss")]
    assert report.write(report.Options(tmp_path), found)
    assert {p.name for p in tmp_path.iterdir()} == {
        "report.json", "report.rst", "radio_latency.svg", "radio_delivered.svg",
    }  # fmt: skip
    assert not report.write(report.Options(tmp_path), [figures(hung=1, good=False)])


def test_bad_input(capsys, monkeypatch):
    assert report.main(["--nodes", "17", "-o", "x"]) == 2
    monkeypatch.setattr(report.bsim, "missing", lambda: "no BabbleSim")
    assert report.main([]) == 2
    assert capsys.readouterr().err.endswith("radio-report: error: no BabbleSim\n")
    with pytest.raises(CatsError, match="one of clean"):
        cells.Fault("fire")


def test_west_runs_the_tests_with_this_package(monkeypatch):
    """West's Python need not have it installed."""
    from cats.commands import test as command

    monkeypatch.setenv("PYTHONPATH", "other")
    monkeypatch.setattr(report.bsim, "run_tests", lambda: 3)
    assert command.bsim_tests() == 3
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(ROOT / "python"), "other"]

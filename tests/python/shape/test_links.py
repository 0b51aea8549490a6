# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""The links file, floods against all that may happen, and the standard arrangements."""

import itertools
import math

import numpy as np
import pytest

from cats.errors import CatsError
from cats.shape.flooding import Flooding, delivery, exact
from cats.shape.links import check_links, depth, read_links, write_links
from cats.shape.topologies import PathLoss, topology

LINKS = np.array([[1, 0.9, 0.1], [0.7, 1, 0.6], [0, 1, 1]])
#: Four nodes, ways of several lengths; some links never hear, one always does.
FOUR = np.array([[1, 0.8, 0.3, 0.0], [0.5, 1, 0.6, 0.2], [0.4, 0, 1, 0.9], [0.1, 0.7, 1, 1]])


# The file


@pytest.mark.parametrize(
    "text",
    [
        "1,0.9,0.1\n0.7,1,0.6\n0,1,1\n",
        "0,1,2\n1,0.9,0.1\n0.7,1,0.6\n0,1,1\n",
        "# a survey\n\n0, 1, 2  # nodes\n , 0.9, 0.1\r\n0.7, x, 0.6 # relay\n0, 1e0, -1\n\n",
        "\ufeff5,.9,1e-1\n0.7,,0.6\n0,1,\n",
    ],
)
def test_a_links_file_is_read(tmp_path, text):
    path = tmp_path / "links.csv"
    path.write_text(text, encoding="utf-8")
    assert (read_links(path, 3) == LINKS).all()


def test_what_boards_print_is_one(tmp_path):
    """As a survey of boards writes it: three digits, a bare 1 on the diagonal."""
    path = tmp_path / "links.csv"
    path.write_text("0,1,2\n1,1.000,0.468\n0.531,1,1.000\n0.000,0.562,1\n\n")
    assert read_links(path).tolist() == [[1, 1, 0.468], [0.531, 1, 1], [0, 0.562, 1]]


def test_two_nodes_are_not_their_header(tmp_path):
    path = tmp_path / "links.csv"
    path.write_text("0,1\n0.5,1\n")
    assert read_links(path).tolist() == [[1, 1], [0.5, 1]]
    path.write_text("0,1\n1,0.25\n0.5,1\n")
    assert read_links(path).tolist() == [[1, 0.25], [0.5, 1]]


def test_what_is_written_is_read_again(tmp_path):
    write_links(tmp_path / "a.csv", LINKS)
    assert (tmp_path / "a.csv").read_text() == "0,1,2\n1,0.9,0.1\n0.7,1,0.6\n0,1,1\n"
    assert (read_links(tmp_path / "a.csv") == LINKS).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it is empty"),
        ("# nothing\n", "it is empty"),
        ("1,0.5\n0.5\n", "line 2 has 1 numbers, not 2"),
        ("1,0.5\n\n0.5,1,0\n", "line 3 has 3 numbers, not 2"),
        ("1,0.5,0\n0.5,1,0\n", "no square"),
        ("1,2\n1,0.5\n0.5,1\n", "line 1: of 3 lines the first names the nodes, 0,1"),
        ("1,1.5\n0.5,1\n", "line 1: '1.5' is no probability"),
        ("1,0.5\nnan,1\n", "line 2: 'nan' is no probability"),
        ("1,0.5\n,1\n", "line 2: '' is no probability"),
        ("1 0.5\n0.5 1\n", "names the nodes"),
        ("1,0.5\n0.5,1\n", "is of 2 nodes, here are 3"),
    ],
)
def test_what_is_wrong_with_a_links_file(tmp_path, text, message):
    path = tmp_path / "links.csv"
    path.write_text(text)
    with pytest.raises(CatsError, match="links.csv") as caught:
        read_links(path, 3)
    assert message in str(caught.value) and "\n" not in str(caught.value)
    assert "a row for each sender" in str(caught.value)


def test_what_is_no_file_and_no_links(tmp_path):
    with pytest.raises(CatsError, match="cannot read"):
        read_links(tmp_path)
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CatsError, match="it is no text"):
        read_links(tmp_path / "x")
    for bad in ("x", 3, [[1, 2], [1, 1]], [[1, float("nan")], [1, 1]], [[1, 1]], np.ones((17, 17))):
        with pytest.raises(CatsError):
            check_links(bad)


# Floods


def by_all_coins(links, hops, source):
    """The distribution over sets of nodes, by trying all coins of all links."""
    nodes = len(links)
    arcs = list(itertools.permutations(range(nodes), 2))
    found = np.zeros(1 << nodes)
    for coins in itertools.product((False, True), repeat=len(arcs)):
        chance = math.prod(links[a] if coin else 1 - links[a] for a, coin in zip(arcs, coins))
        if not chance:
            continue
        has = {source}
        for _ in range(hops):
            has |= {j for (i, j), coin in zip(arcs, coins) if coin and i in has}
        found[sum(1 << j for j in has)] += chance
    return found


@pytest.mark.parametrize("hops", [1, 2, 3, 5])
def test_exact_is_what_all_coins_give(hops):
    for source in (0, 3):
        brute = by_all_coins(FOUR, hops, source)
        assert brute.sum() == pytest.approx(1)
        assert exact(FOUR, hops, source) == pytest.approx(brute, abs=1e-12)
    bits = np.arange(16)[:, None] >> np.arange(4) & 1
    found = delivery(FOUR, hops)
    assert found.has[3] == pytest.approx(brute @ bits, abs=1e-12) and found.error == 0
    assert found.both[3] == pytest.approx((bits.T * brute) @ bits, abs=1e-12)


def test_a_chain_by_hand():
    """Along a line, what arrives is the product of its links; what lies behind a relay is lost
    with it, and links that losses are drawn from again and again add up."""
    line = np.eye(4)
    for i in range(3):
        line[i, i + 1] = line[i + 1, i] = 0.5
    assert delivery(line, 2).has[0].tolist() == [1, 0.5, 0.25, 0]
    three = delivery(line, 3)
    assert three.has[0].tolist() == [1, 0.5, 0.25, 0.125]
    assert three.loss == pytest.approx(1 - (0.5 * 6 + 0.25 * 4 + 0.125 * 2) / 12)
    # Covariance 0.25 - 0.5 * 0.25 over deviations of a half and sqrt(3) / 4.
    assert three.correlation()[0, 1, 2] == pytest.approx(0.125 / (0.5 * 3**0.5 / 4))
    assert delivery(line, 1).correlation()[1, 0, 2] == 0  # of one hop each link is on its own
    assert np.isnan(three.correlation()[0, 0, 2])


@pytest.mark.parametrize("hops", [1, 3])
@pytest.mark.parametrize("loss", [0, 0.25])
def test_floods_that_are_drawn_follow_the_distribution(hops, loss):
    flooding, frames = Flooding(FOUR, hops), 40_000
    source = np.arange(frames) % 4
    uniform = np.random.default_rng(1).random((flooding.draws, frames), np.float32)
    has = flooding.has(uniform, source, loss)
    wanted = delivery((1 - loss) * FOUR, hops)
    for s in range(4):
        own = has[:, source == s].astype(float)
        assert own.mean(1) == pytest.approx(wanted.has[s], abs=0.02)
        assert own @ own.T / own.shape[1] == pytest.approx(wanted.both[s], abs=0.02)


def test_estimates_for_many_nodes_are_near_the_exact_ones():
    """Eight nodes twice, far from each other: half of what more than EXACT nodes do is known."""
    eight = topology("line:5", PathLoss(loss=0.3)).links
    links = np.zeros((10, 10))
    links[:5, :5] = links[5:, 5:] = eight
    found, known = delivery(links, 3, seed=4), delivery(eight, 3)
    assert known.error == 0 < found.error < 0.002
    for part in (slice(0, 5), slice(5, 10)):
        assert found.has[part, part] == pytest.approx(known.has, abs=5 * found.error)
    assert not found.has[:5, 5:].any()
    assert (delivery(links, 3, seed=4).has == found.has).all()


def test_hops_are_bounded():
    for hops in (0, 16):
        with pytest.raises(CatsError, match="1 to 15"):
            delivery(FOUR, hops)
    assert delivery(np.ones((1, 1)), 2).loss == 0


# Arrangements


@pytest.mark.parametrize(
    ("name", "nodes", "hops"),
    [
        *((f"line:{n}", n, n - 1) for n in range(2, 6)),
        ("grid:4x4", 16, 3),
        ("grid:2x4", 8, 3),
        ("grid:1x3", 3, 2),
        ("star:7", 7, 2),
        ("star:3", 3, 2),
    ],
)
def test_arrangements(name, nodes, hops):
    made = topology(name)
    assert made.links.shape == made.attenuation.shape == (nodes, nodes)
    assert depth(made.links) == hops
    assert (made.links == made.links.T).all() and (np.diag(made.links) == 1).all()
    # What an arrangement is made of loses 10 %; all that is behind less attenuation loses less.
    others = ~np.eye(nodes, dtype=bool)
    assert np.isclose(made.links[others], 0.9).any()
    order = np.argsort(made.attenuation[others])
    assert (np.diff(made.links[others][order]) <= 1e-9).all()


def test_attenuation_is_by_distance_and_wall():
    model = PathLoss(loss=0.5, exponent=2, spread=1, wall=7, budget=90)
    line = topology("line:4", model)
    assert line.links[0, 1] == pytest.approx(0.5)
    assert line.attenuation[0] == pytest.approx([0, 90, 90 + 6.0206, 90 + 9.5424], abs=1e-3)
    star = topology("star:5", model)  # the others on the corners of a square
    assert star.attenuation[0, 1:] == pytest.approx([90] * 4)
    assert star.attenuation[1, 2:] == pytest.approx([93.0103, 103.0206, 100.0103], abs=1e-3)


@pytest.mark.parametrize(
    "name", ["ring:4", "line:1", "line:17", "grid:4x5", "grid:4", "star:2", "line:", "line:x", ""]
)
def test_no_such_arrangement(name):
    with pytest.raises(CatsError, match="nodes|write line:4"):
        topology(name)


def test_a_place_without_a_way_has_no_depth():
    assert depth(np.eye(2)) is None and depth(np.ones((1, 1))) == 0

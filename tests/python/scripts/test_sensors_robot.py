# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""How samples are cut of a robot's ultrasounds."""

import pytest

from cats import tasks
from sensors import robot

TURNS = ("Move-Forward", "Sharp-Right-Turn", "Slight-Left-Turn")


@pytest.fixture
def published(tmp_path):
    """A file as UCI's, of three stretches and a rest in which no sample ends."""
    lines = [",".join((*robot.SENSORS, "OUTPUT"))]
    for i in range(3 * robot.STRETCH + 3):
        lines.append(",".join([f"{i / 100:.3f}"] * 24 + [TURNS[i // 5 % 3]]))
    path = tmp_path / "sensor_readings_24.data"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_samples_are_of_one_stretch_and_labelled_by_their_last_line(published, tmp_path, capsys):
    out = tmp_path / "robot.csv"
    assert robot.main([str(published), "-o", str(out)]) == 0
    a_stretch = (robot.STRETCH - robot.STEPS) // robot.EVERY + 1
    assert f"{3 * a_stretch} samples" in capsys.readouterr().out
    rows = [line.split(",") for line in out.read_text().splitlines()[1:]]
    assert len(rows) == 3 * a_stretch * robot.STEPS
    for sample in range(0, len(rows), robot.STEPS):
        window = rows[sample : sample + robot.STEPS]
        lines = [round(100 * float(row[3])) for row in window]
        assert lines == list(range(lines[0], lines[0] + robot.STEPS))
        assert {row[1] for row in window} == {TURNS[lines[-1] // 5 % 3]}
        assert {row[2] for row in window} == {str(line // robot.STRETCH) for line in lines}
    assert rows[robot.STEPS][3] == "0.020"


def test_the_task_reads_it(published, tmp_path):
    out = tmp_path / "robot.csv"
    robot.main([str(published), "-o", str(out)])
    task = tasks.load("classify", data=str(out), group="recording", patch=2)
    assert task.channels == 24 and task.model.tokens_in == robot.STEPS // 2


@pytest.mark.parametrize("text", [None, "", "a,b\n1,2\n", "cut"])
def test_another_file(published, tmp_path, text, capsys):
    if text == "cut":
        text = published.read_text()[:-30]
    path = tmp_path / "other.data"
    if text is not None:
        path.write_text(text)
    assert robot.main([str(path), "-o", str(tmp_path / "robot.csv")]) == 2
    assert "other.data" in capsys.readouterr().err and not (tmp_path / "robot.csv").exists()

# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""DEPLOY folders: the golden one, the same bytes again, and all that can be wrong with one."""

import importlib.util
import io
import json
import shutil
import zlib
from pathlib import Path

import pytest
from intelhex import IntelHex

from cats.cli import main
from cats.deploy import export, image, image_reader
from cats.deploy.export import load_deploy
from cats.errors import CatsError
from cats.integer.random_models import random_keep, random_model
from cats.report import read_json
from cats.shape.config import ModelConfig, SplitConfig
from cats.shape.image_layout import FORMAT_VERSION
from cats.training.run_folder import load_run

GOLDEN = Path(__file__).parents[2] / "golden_export"


def tree(folder: Path) -> dict[str, bytes]:
    """{path: content} of a folder."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def tiny(seed: int = 3, blocks: int = 1):
    config = ModelConfig(
        tokens_in=3, inputs=2, outputs=3, features=6, heads=3, hidden=5, blocks=blocks
    )
    split = SplitConfig.even(config, 2)
    return random_model(seed, config, split, random_keep(seed, config, split, 0.5))


@pytest.fixture
def deploy(tmp_path: Path) -> Path:
    export.export(tiny(), tmp_path / "deploy")
    return tmp_path / "deploy"


def test_golden_tree(tmp_path: Path) -> None:
    path = GOLDEN / "generate.py"
    spec = importlib.util.spec_from_file_location("golden_export_generate", path)
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    generate.write(tmp_path / "deploy")
    found, wanted = tree(tmp_path / "deploy"), tree(GOLDEN / "deploy")
    assert sorted(found) == sorted(wanted)
    for name in wanted:
        assert found[name] == wanted[name], f"{name}: if that is meant, run {path.name}"


def test_same_again(tmp_path: Path) -> None:
    for name in "ab":
        export.export(tiny(), tmp_path / name, run={"task": "x"})
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_round_trip(deploy: Path) -> None:
    model, plan, meta, images = load_deploy(deploy)
    assert len(images) == 2 and meta["model_id"] == f"{image.model_id(model, plan):08x}"
    for d, packed in enumerate(images):
        assert packed == image.pack(tiny(), plan, d, image.model_id(tiny(), plan))
        assert packed == (deploy / f"node_{d:02d}" / "cats_partition.bin").read_bytes()
        node = meta["nodes"][d]
        assert (node["node"], node["image_bytes"]) == (d, len(packed))
        assert node["arena_bytes"] == image_reader.parse(packed).header["arena_size"]
    assert meta["single_device"]["image_bytes"] > max(map(len, images))
    assert {name for name, air in meta["air"].items() if air["planned"]} == {"ieee802154"}
    assert meta["air"]["ble_2m"]["time_on_air_us"] < meta["air"]["ieee802154"]["time_on_air_us"]
    for air in meta["air"].values():
        for figure in ("frames", "bytes_on_air", "slots_us"):
            assert air[figure] == sum(part[figure] for part in air["by_gather"].values())


@pytest.mark.parametrize(
    ("formats", "wanted"),
    [
        ("header", ["cats_partition.h"]),
        ("image", ["cats_partition.bin"]),
        ("both", ["cats_partition.bin", "cats_partition.h"]),
    ],
)
def test_formats(formats: str, wanted: list[str], tmp_path: Path) -> None:
    export.export(tiny(), tmp_path / "deploy", formats=formats)
    for d in range(2):
        assert sorted(p.name for p in (tmp_path / "deploy" / f"node_{d:02d}").iterdir()) == wanted
    assert len(load_deploy(tmp_path / "deploy")[3]) == 2


def test_hex_file(tmp_path: Path) -> None:
    export.export(tiny(), tmp_path / "deploy", formats="image", flash_address=0xFC000)
    folder = tmp_path / "deploy" / "node_01"
    memory = IntelHex(io.StringIO((folder / "cats_partition.hex").read_text()))
    packed = (folder / "cats_partition.bin").read_bytes()
    assert memory.minaddr() == 0xFC000
    assert memory.tobinarray(start=0xFC000, size=len(packed)).tobytes() == packed


@pytest.mark.parametrize("address", [4, -8, 2**32])
def test_bad_flash_address(address: int, tmp_path: Path) -> None:
    with pytest.raises(CatsError, match="flash address"):
        export.export(tiny(), tmp_path / "deploy", flash_address=address)
    assert list(tmp_path.iterdir()) == []


def test_unknown_format(tmp_path: Path) -> None:
    with pytest.raises(CatsError, match="format is 'elf'"):
        export.export(tiny(), tmp_path / "deploy", formats="elf")


# Nothing is lost


def test_existing_folder_is_kept(deploy: Path) -> None:
    before = tree(deploy)
    with pytest.raises(CatsError, match="--force"):
        export.export(tiny(7), deploy)
    assert tree(deploy) == before
    export.export(tiny(7), deploy, force=True)
    assert tree(deploy) != before and len(load_deploy(deploy)[3]) == 2
    assert [p.name for p in deploy.parent.iterdir()] == ["deploy"]


def test_force_replaces_deployments_only(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("x")
    with pytest.raises(CatsError, match="something else than a deployment"):
        export.export(tiny(), tmp_path / "home", force=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(CatsError, match="is a file"):
        export.export(tiny(), tmp_path / "file", force=True)
    with pytest.raises(CatsError, match="cannot write"):
        export.export(tiny(), tmp_path / "file" / "deploy")
    (tmp_path / "empty").mkdir()
    export.export(tiny(), tmp_path / "empty")
    assert load_deploy(tmp_path / "empty")


def test_a_failure_leaves_the_old_folder(deploy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = tree(deploy)

    def fail(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(CatsError, match="No space left on device"):
        export.export(tiny(7), deploy, force=True)
    assert tree(deploy) == before
    assert [p.name for p in deploy.parent.iterdir()] == ["deploy"]


# Bad folders


def test_missing_folders(tmp_path: Path) -> None:
    with pytest.raises(CatsError, match="no DEPLOY folder"):
        load_deploy(tmp_path / "none")
    with pytest.raises(CatsError, match="holds no plan.json"):
        load_deploy(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "plan.json",
        "integer.json",
        "integer.safetensors",
        "node_00/cats_partition.bin",
        "node_01/cats_partition.bin",
        "node_01/cats_partition.h",
    ],
)
def test_missing_and_empty_files(name: str, deploy: Path) -> None:
    (deploy / name).write_bytes(b"")
    with pytest.raises(CatsError):
        load_deploy(deploy)
    (deploy / name).unlink()
    with pytest.raises(CatsError, match=rf"{name}.*export again") as error:
        load_deploy(deploy)
    assert "\n" not in str(error.value)


def test_a_deployment_is_no_run(deploy: Path) -> None:
    with pytest.raises(CatsError, match="is a deployment: name the run"):
        load_run(deploy)
    (deploy / "plan.json").unlink()
    with pytest.raises(CatsError, match="is a deployment without plan.json: export again"):
        load_run(deploy)


def change(deploy: Path, **values: object) -> None:
    meta = read_json(deploy / "plan.json", "a plan")
    (deploy / "plan.json").write_text(json.dumps({**meta, **values}))


def test_other_versions(deploy: Path) -> None:
    for name, text, mine in (
        ("format", "format", 1),
        ("image_format", "image format", FORMAT_VERSION),
    ):
        before = (deploy / "plan.json").read_bytes()
        change(deploy, **{name: 9})
        with pytest.raises(CatsError, match=f"has {text} 9, this version reads {mine}: export"):
            load_deploy(deploy)
        (deploy / "plan.json").write_bytes(before)


@pytest.mark.parametrize(
    "values",
    [
        {"plan": {}},
        {"plan": 3},
        {"model_id": "xyz"},
        {"model_id": None},
        {"formats": None, "nodes": None},
        {"nodes": []},
        {"model_id": "00000001"},
    ],
)
def test_damaged_plan(values: dict, deploy: Path) -> None:
    change(deploy, **values)
    with pytest.raises(CatsError, match="export again"):
        load_deploy(deploy)


def test_changed_plan_is_noticed(deploy: Path) -> None:
    meta = read_json(deploy / "plan.json", "a plan")
    meta["plan"]["gathers"][1]["slot_us"] += 1
    (deploy / "plan.json").write_text(json.dumps(meta))
    with pytest.raises(CatsError, match="the model beside it is not"):
        load_deploy(deploy)
    meta["plan"]["gathers"][1]["slot_us"] -= 1
    meta["plan"]["arenas"][0]["offsets"]["key"] += 4
    (deploy / "plan.json").write_text(json.dumps(meta))
    with pytest.raises(CatsError, match="does not hold what plan and model give"):
        load_deploy(deploy)


def test_mixed_deployments(deploy: Path, tmp_path: Path) -> None:
    export.export(tiny(8), tmp_path / "other")
    for name, text in (
        ("node_01/cats_partition.bin", "is of deployment"),
        ("node_01/cats_partition.h", "is of deployment"),
    ):
        before = (deploy / name).read_bytes()
        shutil.copy(tmp_path / "other" / name, deploy / name)
        with pytest.raises(CatsError, match=text):
            load_deploy(deploy)
        (deploy / name).write_bytes(before)
    for name in ("integer.json", "integer.safetensors"):
        shutil.copy(tmp_path / "other" / name, deploy / name)
    with pytest.raises(CatsError, match="the model beside it is not"):
        load_deploy(deploy)


def test_mixed_nodes(deploy: Path) -> None:
    shutil.copy(deploy / "node_00/cats_partition.bin", deploy / "node_01/cats_partition.bin")
    with pytest.raises(CatsError, match="is of node 0, not of node 1"):
        load_deploy(deploy)


def test_damaged_binary(deploy: Path) -> None:
    path = deploy / "node_01/cats_partition.bin"
    good = path.read_bytes()
    path.write_bytes(good[:-1])
    with pytest.raises(CatsError, match=r"node_01/cats_partition.bin: .*truncated"):
        load_deploy(deploy)
    bad = bytearray(good)
    bad[-1] ^= 1
    path.write_bytes(bad)
    with pytest.raises(CatsError, match="corrupt"):
        load_deploy(deploy)
    bad[12:16] = zlib.crc32(bad[16:]).to_bytes(4, "little")
    path.write_bytes(bad)
    with pytest.raises(CatsError, match="does not hold what plan and model give"):
        load_deploy(deploy)
    (deploy / "node_00/cats_partition.h").write_text("#define X\n")
    path.write_bytes(good)
    with pytest.raises(CatsError, match="is no partition header"):
        load_deploy(deploy)


# The command


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from cats import tasks
    from cats.training.loop import train
    from cats.training.options import Training

    task = tasks.load("digits")
    config = ModelConfig(
        tokens_in=task.model.tokens_in, inputs=task.model.inputs, outputs=task.model.outputs,
        features=16, heads=4, hidden=16, blocks=1,
    )  # fmt: skip
    out = tmp_path_factory.mktemp("run") / "run"
    train(task, config, SplitConfig.even(config, 2), Training(epochs=1, keep=0.5), out)
    return out


def test_command(run_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out, report = tmp_path / "deploy", tmp_path / "report.json"
    command = ["export", str(run_folder), "-o", str(out), "--json", str(report)]
    assert main([*command, "--repair-rounds", "2", "--radio", "ble_2m"]) == 0
    text = capsys.readouterr().out
    assert "one device" in text and "ble_2m *" in text and "time against the fastest" in text
    model, plan, meta, _ = load_deploy(out)
    assert plan.rounds == 2 and plan.radio == "ble_2m"
    assert read_json(report, "a report") == meta
    assert (meta["run"]["task"], meta["run"]["calibration_samples"]) == ("digits", 256)
    assert str(tmp_path) not in (out / "plan.json").read_text()
    assert main(command) == 2
    assert "--force" in capsys.readouterr().err
    assert main([*command, "--force", "--ram", "100"]) == 2
    assert "no plan fits into an arena of 100 bytes" in capsys.readouterr().err
    assert load_deploy(out)[2] == meta


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--radio", "lora"], "radio 'lora'"),
        (["--repair-rounds", "9"], "--repair-rounds: '9' is no whole number from 0 to 3"),
        (["--tile-rows", "0"], "--tile-rows: '0' is no whole number from 1"),
        (["--payload", "999"], "--payload: '999' is no whole number from 1 to 255"),
        (["--calibration", "0"], "--calibration: '0' is no whole number from 1"),
        (["--slack", "-1"], "--slack: '-1' is no number from 0"),
    ],
)
def test_bad_options(
    options: list[str], message: str, run_folder: Path, tmp_path: Path,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    try:
        status = main(["export", str(run_folder), "-o", str(tmp_path / "deploy"), *options])
    except SystemExit as stop:
        status = stop.code
    error = capsys.readouterr().err
    assert (
        status == 2
        and error.startswith("cats: error: ")
        and message in error
        and error.count("\n") == 1
    )
    assert not (tmp_path / "deploy").exists()


def test_missing_run(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    assert main(["export", str(tmp_path / "none"), "-o", str(tmp_path / "deploy")]) == 2
    assert "no RUN folder" in capsys.readouterr().err

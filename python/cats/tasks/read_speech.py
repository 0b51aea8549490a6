# SPDX-FileCopyrightText: Copyright The CATS Project
# SPDX-License-Identifier: Apache-2.0
"""Recordings of words: a folder of WAV files."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cats.errors import CatsError

#: A file's name: of the free spoken digit dataset, and of Speech Commands.
NAMED = re.compile(r"(?P<label>.+)_(?P<speaker>[^_]+)_\d+")
HASHED = re.compile(r"(?P<speaker>[^_]+)_nohash_\d+")


@dataclass(frozen=True)
class Sounds:
    """``sounds`` int16 [samples] each, of any length, all of ``rate`` samples a second; of each its
    label and its file's name. ``speakers`` where all are known."""

    folder: Path
    rate: int
    sounds: Sequence[np.ndarray]
    labels: Sequence[str]
    places: Sequence[str]
    sha256: str
    speakers: Sequence[str] | None


def read_wav(path: Path) -> tuple[int, np.ndarray]:
    """(samples a second, int16 [samples]) of a WAV file with one channel of 16 bits."""
    try:
        with wave.open(str(path), "rb") as file:
            channels, width, rate, count, *_ = file.getparams()
            content = file.readframes(count)
    except (OSError, EOFError, wave.Error) as error:
        reason = str(error) or "it ends too early"
        raise CatsError(f"{path} cannot be read as WAV: {reason}") from None
    if (channels, width) != (1, 2):
        raise CatsError(
            f"{path} has {channels} channels of {8 * width} bits: one of 16 is wanted, as by "
            f"sox IN.wav -b 16 -c 1 OUT.wav"
        )
    samples = np.frombuffer(content[: len(content) // 2 * 2], "<i2").astype(np.int16)
    if not len(samples):
        raise CatsError(f"{path} holds no samples")
    return rate, samples


def read_speech(data: str, rate: int | None = None) -> tuple[Sounds, Sounds | None]:
    """(recordings, those of the test part or None) of a folder, all of ``rate`` samples a second:
    of the first file's where none is given. CatsError names the file that cannot be used."""
    folder = Path(data)
    if not folder.is_dir():
        raise CatsError(f"{folder} is no folder of WAV files")
    train, test = folder / "train", folder / "test"
    if not train.is_dir():
        return read_folder(folder, rate), None
    known = read_folder(train, rate)
    return known, read_folder(test, known.rate) if test.is_dir() else None


def read_folder(folder: Path, rate: int | None = None) -> Sounds:
    """WAV files named ``LABEL_SPEAKER_NUMBER.wav``, or a sub-folder of them a label, where a name
    may be ``SPEAKER_nohash_NUMBER.wav`` as well; folders that begin with ``_`` or ``.`` are left
    out."""
    files = _wav_files(folder)
    labels = [_label(file) for file in files]
    if not files:
        groups = [p for p in sorted(folder.iterdir()) if p.is_dir() and p.name[0] not in "_."]
        for group in groups:
            inside = _wav_files(group)
            if not inside:
                raise CatsError(f"{group} holds no WAV file")
            files += inside
            labels += [group.name] * len(inside)
    if not files:
        raise CatsError(
            f"{folder} holds no WAV file, and no sub-folder of them: make one for each word"
        )
    digest, sounds = hashlib.sha256(), []
    for file, label in zip(files, labels):
        own, samples = read_wav(file)
        rate = rate or own
        if own != rate:
            raise CatsError(
                f"{file} has {own} samples a second, not {rate}: bring all to one rate, as by "
                f"sox IN.wav -r {rate} OUT.wav"
            )
        sounds.append(samples)
        digest.update(f"{label}\n{file.name}\n{own}\n{len(samples)}\n".encode())
        digest.update(samples.astype("<i2").tobytes())
    named = [_speaker(file, label) for file, label in zip(files, labels)]
    speakers = [name for name in named if name is not None]
    places = [str(file.relative_to(folder)) for file in files]
    return Sounds(
        folder, int(rate or 0), sounds, labels, places, digest.hexdigest(),
        speakers if len(speakers) == len(files) else None,
    )  # fmt: skip


def _wav_files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir())
            if p.suffix.lower() == ".wav" and not p.name.startswith(".")]  # fmt: skip


def _label(file: Path) -> str:
    found = NAMED.fullmatch(file.stem)
    if found is None:
        raise CatsError(
            f"{file}: its name is not LABEL_SPEAKER_NUMBER.wav: name all so, or make a sub-folder "
            "for each word"
        )
    return found["label"]


def _speaker(file: Path, label: str) -> str | None:
    """Who speaks, by the file's name; None where that does not say it."""
    found = HASHED.fullmatch(file.stem)
    if found is None:
        found = NAMED.fullmatch(file.stem)
        if found is None or found["label"] != label:
            return None
    return found["speaker"]


def placed(sound: np.ndarray, count: int) -> np.ndarray:
    """int16 [count]: a sound in the middle of silence, or the middle of a longer one."""
    lack = count - len(sound)
    if lack < 0:
        return sound[-lack // 2 :][:count]
    return np.pad(sound, (lack // 2, lack - lack // 2))


def faster(sounds: Sounds, speed: float) -> Sounds:
    """The same spoken ``speed`` times as fast and as high, by linear interpolation."""
    made = []
    for sound in sounds.sounds:
        times = np.arange(0, len(sound) - 1 + 1e-9, speed)
        made.append(np.rint(np.interp(times, np.arange(len(sound)), sound)).astype(np.int16))
    return dataclasses.replace(sounds, sounds=made)

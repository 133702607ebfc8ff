"""Free Spoken Digit Dataset in its prepared form: recordings of single digits, and digit strings joined from them.

Source: Z. Jakobovski et al., Free Spoken Digit Dataset, recordings/DIGIT_SPEAKER_TAKE.wav at 8 kHz.
"""

import hashlib
import io
import re
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from coursedata import archives
from coursedata.speech.utterances import RATE, WORDS, Segment, SpeechSplit, Utterance

# By speaker, so that test voices are unseen; theo's and george's accents (German) and jackson's (American) are in both.
SPEAKERS = {
    "train": ("jackson", "nicolas", "theo", "yweweler"),
    "valid": ("lucas",),
    "test": ("george",),
}
LONGEST = 6
PEAK = 0.5
# Silence between two joined recordings, in seconds.
GAP = (0.02, 0.12)
_MEMBER = re.compile(r"[^/]+/recordings/(\d)_([a-z]+)_(\d+)\.wav")
_ARRAYS = {"pcm": np.int16, "offsets": np.int32, "digit": np.uint8, "speaker": np.uint8, "take": np.uint8}


def content_sha256(path: Path) -> str:
    """The digest of a prepared file's arrays and speakers' names, whatever the file's compression."""
    digest = hashlib.sha256()
    with np.load(path) as prepared:
        for name, dtype in _ARRAYS.items():
            digest.update(np.ascontiguousarray(prepared[name], dtype).tobytes())
        digest.update(" ".join(map(str, prepared["speakers"])).encode())
    return digest.hexdigest()


def prepare(archive: Path, destination: Path) -> None:
    """Makes the prepared file from the origin's tar archive, in the order of its file names.

    Raises what `archives.matching` raises, and ValueError for an archive that holds something else.
    """
    recordings = {}
    for (digit, speaker, take), content in archives.matching(archive, _MEMBER):
        rate, samples = wavfile.read(io.BytesIO(content))
        if rate != RATE or samples.dtype != np.int16 or samples.ndim != 1:
            raise ValueError(f"recording {digit}_{speaker}_{take} is not 16-bit mono at {RATE} Hz")
        recordings[digit, speaker, take] = samples
    if not recordings:
        raise ValueError("the archive holds no recordings")
    speakers = sorted({speaker for _, speaker, _ in recordings})
    keys = sorted(recordings, key="_".join)
    with open(destination, "wb") as file:
        np.savez_compressed(
            file,
            pcm=np.concatenate([recordings[key] for key in keys]),
            offsets=np.cumsum([0, *(len(recordings[key]) for key in keys)]).astype(np.int32),
            digit=np.array([int(digit) for digit, _, _ in keys], np.uint8),
            speaker=np.array([speakers.index(speaker) for _, speaker, _ in keys], np.uint8),
            take=np.array([int(take) for _, _, take in keys], np.uint8),
            speakers=np.array(speakers),
        )


def load(path: Path, seed: int = 0) -> SpeechSplit:
    """Digit strings of one to six recordings of a speaker, split by speaker; every recording is used once."""
    with np.load(path) as prepared:
        arrays = {name: prepared[name] for name in (*_ARRAYS, "speakers")}
    rng = np.random.default_rng(seed)
    return SpeechSplit(
        *(tuple(one for speaker in SPEAKERS[part] for one in _strings(arrays, speaker, rng)) for part in SPEAKERS)
    )


def _strings(arrays: dict[str, np.ndarray], speaker: str, rng: np.random.Generator):
    mine = np.flatnonzero(arrays["speakers"][arrays["speaker"]] == speaker)
    left = rng.permutation(mine).tolist()
    while left:
        length = int(rng.integers(1, LONGEST + 1))
        yield _joined(arrays, left[:length], speaker, rng)
        del left[:length]


def _joined(arrays: dict[str, np.ndarray], recordings: list[int], speaker: str, rng: np.random.Generator) -> Utterance:
    spans = [arrays["offsets"][recording : recording + 2] for recording in recordings]
    # Each recording has a loudness of its own: brought to one, or a string would jump.
    levelled = [_levelled(arrays["pcm"][start:end]) for start, end in spans]
    # A gap as quiet as the recordings' quietest moments: digital silence would give the boundaries away.
    floor = min(map(_floor, levelled))
    chunks, words, position = [], [], 0
    for recording, samples in zip(recordings, levelled, strict=True):
        gap = floor * rng.standard_normal(round(rng.uniform(*GAP) * RATE))
        chunks += [gap, samples]
        position += len(gap)
        words.append(Segment(WORDS[arrays["digit"][recording]], position, position + len(samples)))
        position += len(samples)
    digits = tuple(int(arrays["digit"][recording]) for recording in recordings)
    return Utterance(np.concatenate(chunks).astype(np.float32), digits, speaker, tuple(words))


def _levelled(pcm: np.ndarray) -> np.ndarray:
    samples = pcm.astype(np.float64)
    return samples * (PEAK / np.abs(samples).max())


def _floor(samples: np.ndarray, window: int = RATE // 100) -> float:
    """The root mean square of the quietest 10 ms."""
    frames = samples[: len(samples) // window * window].reshape(-1, window)
    return float(np.sqrt(np.mean(frames**2, axis=1)).min())

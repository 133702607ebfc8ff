"""Spoken digits: what is bundled, what is joined from recordings, noise and rooms, recordings of one's own, music."""

import io
import os
import tarfile
import warnings
from pathlib import Path

import numpy as np
import pytest
from coursedata import load_speech
from coursedata.fetching import VARIABLE, fetch
from coursedata.registry import CARDS
from coursedata.speech import (
    RATE,
    WORDS,
    AudioNote,
    BadAudio,
    add_noise,
    as_speech,
    bundled,
    companding,
    fsdd,
    play,
    read_wav,
    reverberate,
    synthesizer,
)
from coursedata.speech.tones import frequency
from coursedata.speech.voices import VOICES
from scipy.io import wavfile

HAS_FSDD = Path(os.environ.get(VARIABLE, "nowhere"), "fsdd", "fsdd_8k.npz").is_file()
needs_fsdd = pytest.mark.skipif(not HAS_FSDD, reason=f"{VARIABLE} names no folder with FSDD in it")
needs_synthesizer = pytest.mark.skipif(not synthesizer.available(), reason="the synthesizer espeak-ng is not installed")


def tone(seconds=0.5, hertz=440.0, rate=RATE):
    return 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


# -- what is bundled ---------------------------------------------------------------------------------------------------


def test_no_voice_and_no_timbre_is_on_both_sides_of_the_split():
    split = load_speech("bundled")
    speakers = [{one.speaker for one in part} for part in split]
    assert [len(names) for names in speakers] == [16, 4, 4]
    assert len(set.union(*speakers)) == len(VOICES) == 24
    timbres = [voice.espeak for voice in VOICES]
    assert len(set(timbres)) == len(timbres)


def test_bundled_utterances_say_where_their_words_and_phonemes_lie():
    for utterance in (one for part in load_speech("bundled") for one in part):
        assert utterance.wave.dtype == np.float32 and utterance.wave.ndim == 1
        assert 0.45 < np.abs(utterance.wave).max() <= 0.51
        assert tuple(word.label for word in utterance.words) == tuple(WORDS[digit] for digit in utterance.digits)
        assert 1 <= len(utterance.digits) <= bundled.LONGEST
        for segments in (utterance.words, utterance.phonemes):
            bounds = [bound for segment in segments for bound in segment[1:]]
            assert bounds == sorted(bounds) and 0 <= bounds[0] and bounds[-1] <= len(utterance.wave)
            assert all(segment.end > segment.start for segment in segments)
        assert utterance.phonemes[0].start == utterance.words[0].start
        assert utterance.phonemes[-1].end == utterance.words[-1].end


def test_vowels_are_where_the_phoneme_times_say():
    def loudness(label):
        waves = [
            one.wave[segment.start : segment.end]
            for one in load_speech("bundled").train
            for segment in one.phonemes
            if segment.label == label
        ]
        return np.sqrt(np.mean(np.concatenate(waves) ** 2))

    assert min(map(loudness, ("aI", "i:", "u:", "E"))) > 5 * max(map(loudness, ("s", "f", "T", "t")))


def test_every_digit_is_about_equally_frequent():
    counts = np.bincount([digit for one in load_speech("bundled").train for digit in one.digits], minlength=10)
    assert counts.sum() > 1000 and counts.min() > 0.9 * counts.mean() and counts.max() < 1.1 * counts.mean()


def test_the_bundled_file_is_small_enough_to_be_committed():
    assert Path(bundled.__file__).with_name(bundled.FILE).stat().st_size < 4_000_000


def test_packing_keeps_everything_but_the_last_bits_of_the_samples():
    some = load_speech("bundled").valid[:5]
    again = bundled.unpack(bundled.pack(some))
    for one, other in zip(some, again, strict=True):
        np.testing.assert_array_equal(one.wave, other.wave)  # already μ-law: a fixed point
        assert one[1:] == other[1:]


@needs_synthesizer
@pytest.mark.parametrize("index", [0, 7, 21])
def test_the_synthesizer_makes_the_committed_samples_again(index):
    voice = VOICES[index]
    committed = [one for part in load_speech("bundled") for one in part if one.speaker == voice.name]
    made = list(bundled.say(voice, bundled.STRINGS_PER_VOICE, (index,)))[:3]
    for one, other in zip(made, committed, strict=False):
        np.testing.assert_array_equal(companding.encode(one.wave), companding.encode(other.wave))
        assert one[1:] == other[1:]


@needs_synthesizer
def test_an_utterance_does_not_depend_on_what_was_said_before():
    first = synthesizer.speak("seven two nine", "en-us+f3")
    synthesizer.speak("zero", "en-gb-scotland+klatt2", pitch=80)
    again = synthesizer.speak("seven two nine", "en-us+f3")
    np.testing.assert_array_equal(first.wave, again.wave)
    assert len(first.words) == 3 and first.phonemes == again.phonemes


@needs_synthesizer
def test_an_unknown_voice_is_named():
    with pytest.raises(ValueError, match="'en-mars'.*espeak-ng --voices"):
        synthesizer.speak("one", "en-mars")


# -- companding --------------------------------------------------------------------------------------------------------


def test_companding_gives_quiet_sounds_finer_steps():
    codes = np.arange(256)
    np.testing.assert_array_equal(companding.encode(companding.decode(codes)), codes)
    steps = np.diff(companding.decode(codes))
    assert steps.min() > 0 and steps.max() / steps.min() > 100
    np.testing.assert_array_equal(companding.encode([-2.0, -1.0, 1.0, 2.0]), [0, 0, 255, 255])
    quiet = 0.01 * tone()
    error = companding.decode(companding.encode(quiet)) - quiet
    assert np.mean(quiet**2) / np.mean(error**2) > 10 * np.mean(quiet**2) / np.mean(
        (np.round(quiet * 127) / 127 - quiet) ** 2
    )


# -- recordings joined -------------------------------------------------------------------------------------------------


@pytest.fixture
def archive(tmp_path):
    """A tar archive as the origin packs it, of two digits by each of the six speakers."""
    path = tmp_path / "fsdd.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for number, speaker in enumerate(sorted(name for names in fsdd.SPEAKERS.values() for name in names)):
            for digit in (3, 1):
                for take in (0, 10, 2):
                    buffer = io.BytesIO()
                    samples = (8000 * tone(0.1 + 0.01 * number, 200 + 50 * digit + take)).astype(np.int16)
                    wavfile.write(buffer, RATE, samples)
                    member = tarfile.TarInfo(f"top/recordings/{digit}_{speaker}_{take}.wav")
                    member.size = len(buffer.getvalue())
                    tar.addfile(member, io.BytesIO(buffer.getvalue()))
    return path


def test_recordings_become_strings_of_one_speaker_with_their_words(archive, tmp_path):
    prepared = tmp_path / "prepared.npz"
    fsdd.prepare(archive, prepared)
    with np.load(prepared) as arrays:
        assert arrays["take"].tolist()[:3] == [0, 10, 2] and arrays["digit"].tolist()[:3] == [1, 1, 1]
        assert len(arrays["offsets"]) == 37 and arrays["offsets"][-1] == len(arrays["pcm"])
    split = fsdd.load(prepared, seed=5)
    for part, names in zip(split, fsdd.SPEAKERS.values(), strict=True):
        assert {one.speaker for one in part} == set(names)
        assert sum(len(one.digits) for one in part) == 6 * len(names)
        for one in part:
            assert tuple(word.label for word in one.words) == tuple(WORDS[digit] for digit in one.digits)
            for word in one.words:
                assert np.sqrt(np.mean(one.wave[word.start : word.end] ** 2)) > 0.3
            # The gaps are quiet and no digital silence.
            gap = one.wave[: one.words[0].start]
            assert 0 < np.abs(gap).max()
    other = fsdd.load(prepared, seed=6)
    assert [one.digits for one in split.train] != [one.digits for one in other.train]


def test_an_archive_without_recordings_is_refused(tmp_path):
    path = tmp_path / "empty.tar"
    with tarfile.open(path, "w"):
        pass
    with pytest.raises(ValueError, match="no recordings"):
        fsdd.prepare(path, tmp_path / "prepared.npz")


@needs_fsdd
def test_the_real_recordings_are_what_their_card_says():
    assert fsdd.content_sha256(fetch("fsdd")) == CARDS["fsdd"].content_sha256
    split = load_speech("real", seed=1)
    assert sum(len(one.digits) for part in split for one in part) == 3000
    assert not split.test[0].phonemes


# -- noise and rooms ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("colour", ["white", "pink", "brown"])
def test_noise_has_the_level_and_the_colour_that_was_asked_for(colour):
    wave = tone(2.0).astype(np.float32)
    noisy = add_noise(wave, 10.0, np.random.default_rng(0), colour)
    noise = (noisy - wave).astype(np.float64)
    assert noisy.dtype == np.float32 and noisy.shape == wave.shape
    np.testing.assert_allclose(10 * np.log10(np.mean(wave.astype(np.float64) ** 2) / np.mean(noise**2)), 10, atol=1e-3)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[200:400].mean(), power[4000:8000].mean()  # 100 to 200 Hz, 2 to 4 kHz
    expected = {"white": 0, "pink": 10 * np.log10(20), "brown": 20 * np.log10(20)}[colour]
    np.testing.assert_allclose(10 * np.log10(low / high), expected, atol=2.0)


def test_noise_needs_a_level_to_measure_against():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="silent"):
        add_noise(np.zeros(800), 10, rng)
    with pytest.raises(ValueError, match="'blue'.*white, pink, brown"):
        add_noise(tone(), 10, rng, "blue")


def test_echoes_follow_the_sound_and_die_away():
    rng = np.random.default_rng(0)
    click = np.zeros(RATE, np.float32)
    click[100] = 1
    heard = reverberate(click, 0.4, rng, direct=0.5)
    assert np.all(heard[:100] == 0) or np.abs(heard[:100]).max() < 1e-6
    np.testing.assert_allclose(np.mean(heard**2), np.mean(click**2), rtol=1e-3)
    early, late = (np.mean(heard[start : start + 400].astype(np.float64) ** 2) for start in (140, 1740))
    # 60 dB in 0.4 s are 30 dB in the 0.2 s between the two.
    np.testing.assert_allclose(10 * np.log10(early / late), 30, atol=3)
    np.testing.assert_array_equal(reverberate(click, 0.0, rng), click)
    with pytest.raises(ValueError, match="negative"):
        reverberate(click, -1, rng)


# -- recordings of one's own -------------------------------------------------------------------------------------------


def test_a_good_recording_is_taken_as_it_is(tmp_path):
    path = tmp_path / "mine.wav"
    wavfile.write(path, RATE, (tone() * 2**15).astype(np.int16))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wave = read_wav(path)
    assert wave.dtype == np.float32
    np.testing.assert_allclose(wave, tone(), atol=2**-14)


def test_stereo_and_other_rates_are_converted_with_a_note():
    stereo = np.stack([tone(0.5, rate=44100), tone(0.5, rate=44100)], axis=1)
    with pytest.warns(AudioNote, match="2 channels were averaged; it was resampled from 44100 to 8000 Hz"):
        wave = as_speech((stereo * 2**31).astype(np.int32), 44100)
    assert len(wave) == RATE // 2
    np.testing.assert_allclose(wave[500:-500], tone()[500:-500], atol=0.01)


def test_clipping_is_noted_and_eight_bits_are_unsigned():
    with pytest.warns(AudioNote, match="clipped"):
        assert np.abs(as_speech(np.clip(4 * tone(), -1, 1), RATE)).max() == 1
    np.testing.assert_allclose(as_speech((tone() * 127 + 128).astype(np.uint8), RATE), tone(), atol=0.02)


@pytest.mark.parametrize(
    ("samples", "rate", "words"),
    [
        (np.zeros(0), RATE, "holds no samples"),
        (np.zeros(4000), RATE, "silent"),
        (tone(0.01), RATE, "lasts 10 ms"),
        (np.full(4000, np.nan), RATE, "not finite"),
        (tone(), 0, "rate of 0 Hz"),
        (np.zeros((10, 2, 2)), RATE, "no samples"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(samples, rate, words):
    with pytest.raises(BadAudio, match=f"^take 3.*{words}"):
        as_speech(samples, rate, "take 3")


def test_a_file_that_is_no_recording_is_refused(tmp_path):
    path = tmp_path / "notes.wav"
    path.write_text("not a recording")
    with pytest.raises(BadAudio, match="no WAV file"):
        read_wav(path)
    with pytest.raises(BadAudio, match="is not there"):
        read_wav(tmp_path / "missing.wav")


# -- music -------------------------------------------------------------------------------------------------------------


def test_music_sounds_at_its_notes():
    music = play(3.0, seed=4)
    assert music.wave.dtype == np.float32 and len(music.wave) == 3 * RATE and np.abs(music.wave).max() <= 0.51
    np.testing.assert_array_equal(music.wave, play(3.0, seed=4).wave)
    assert not np.array_equal(music.wave, play(3.0, seed=9).wave)
    starts = [note.start for note in music.notes]
    assert len(set(starts)) < len(starts), "this seed has a chord"
    alone = next(note for note in music.notes if starts.count(note.start) == 1 and note.start == 0)
    beat = music.wave[: RATE // 4] * np.hanning(RATE // 4)
    spectrum = np.abs(np.fft.rfft(beat, 8 * len(beat)))
    np.testing.assert_allclose(np.argmax(spectrum) * RATE / (8 * len(beat)), frequency(alone.key), rtol=0.02)
    assert frequency(69) == 440 and frequency(81) == 880


def test_music_needs_a_length():
    with pytest.raises(ValueError, match="positive"):
        play(0, seed=0)

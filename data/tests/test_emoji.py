"""The emoji: made from the origin's archive, laid on a background, named."""

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest
from coursedata import emoji, load_emoji
from coursedata.fetching import VARIABLE, fetch
from coursedata.registry import CARDS
from PIL import Image
from test_sources import real_file

needs_emoji = pytest.mark.skipif(not real_file("emoji"), reason=f"{VARIABLE} names no folder with emoji in it")


def picture(colour: tuple[int, int, int, int]) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (32, 32), colour).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    """A prepared file of four: two characters, a sequence, and a code point that has no name."""
    files = {
        "top/png/32/emoji_u1f600.png": picture((200, 100, 0, 255)),
        "top/png/32/emoji_u2764.png": picture((255, 0, 0, 51)),
        "top/png/32/emoji_u0023_20e3.png": picture((0, 0, 255, 255)),
        "top/png/32/emoji_ufe82b.png": picture((9, 9, 9, 0)),
        "top/png/128/emoji_u1f601.png": picture((0, 0, 0, 255)),
    }
    archive, destination = tmp_path / "archive", tmp_path / "emoji.npz"
    with tarfile.open(archive, "w:gz") as members:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            members.addfile(member, io.BytesIO(content))
    emoji.prepare(archive, destination)
    return destination


def test_what_is_one_named_character_is_handed_out(prepared):
    with np.load(prepared) as arrays:
        assert arrays["code"].tolist() == ["0023_20e3", "1f600", "2764", "fe82b"]
        # What cannot be seen has no colour.
        assert not arrays["rgba"][3].any()
    loaded = emoji.load(prepared, None, seed=0, background=255)
    assert dict(zip(loaded.characters, loaded.names, strict=True)) == {"😀": "grinning face", "❤": "heavy black heart"}
    assert (loaded.images.shape, loaded.images.dtype) == ((2, 32, 32, 3), np.uint8)


def test_opacity_mixes_with_the_background(prepared):
    for background in (255, 0):
        loaded = emoji.load(prepared, None, seed=0, background=background)
        face, heart = (loaded.images[loaded.characters.index(one)] for one in "😀❤")
        assert np.unique(face.reshape(-1, 3), axis=0).tolist() == [[200, 100, 0]]
        # A fifth of red, and four fifths of what is behind.
        red = [51 + 204 * background // 255, 204 * background // 255, 204 * background // 255]
        assert np.unique(heart.reshape(-1, 3), axis=0).tolist() == [red]


def test_the_draw_depends_on_the_seed_only(prepared):
    orders = {emoji.load(prepared, None, seed=seed, background=255).characters for seed in range(8)}
    assert len(orders) == 2
    assert (
        emoji.load(prepared, 1, seed=3, background=255).characters[0]
        == (emoji.load(prepared, 2, seed=3, background=255).characters[0])
    )
    with pytest.raises(ValueError, match="3 emoji asked for, but 2"):
        emoji.load(prepared, 3, seed=0, background=255)


def test_an_archive_of_something_else_is_refused(tmp_path):
    with tarfile.open(tmp_path / "archive", "w:gz"):
        pass
    with pytest.raises(ValueError, match="no emoji"):
        emoji.prepare(tmp_path / "archive", tmp_path / "emoji.npz")


@needs_emoji
def test_the_prepared_emoji_are_as_their_card_says():
    assert emoji.content_sha256(fetch("emoji")) == CARDS["emoji"].content_sha256
    loaded = load_emoji(1000, seed=1)
    assert loaded.images.shape == (1000, 32, 32, 3) and len(set(loaded.names)) == 1000
    # Pictures on white: corners are mostly background, and there is colour in the middle.
    assert np.mean(loaded.images[:, 0, 0] == 255) > 0.9
    assert loaded.images[:, 12:20, 12:20].std() > 50
    np.testing.assert_array_equal(load_emoji(10, seed=1).images, loaded.images[:10])

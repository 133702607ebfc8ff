"""PNG files that are as small as they can be without a difference to see."""

import io

import numpy as np
from PIL import Image

# Root mean square, of 255: up to it, a palette's picture and the full one look the same side by side.
_UNSEEN = 4.0


def smaller(png: bytes) -> bytes:
    """The picture of a PNG file on white, in 256 colours where these are enough, or the file itself if that is smaller.

    Curves and spectrograms shrink to a third. Pictures with more colours than a palette holds stay in full colour.
    """
    with Image.open(io.BytesIO(png)) as opened:
        seen = opened.convert("RGBA")
    picture = Image.new("RGB", seen.size, "white")
    picture.paste(seen, mask=seen.getchannel("A"))
    few = picture.quantize(256, kmeans=1, dither=Image.Dither.NONE)
    error = np.asarray(few.convert("RGB"), np.float32) - np.asarray(picture, np.float32)
    file = io.BytesIO()
    (few if np.sqrt(np.mean(error**2)) <= _UNSEEN else picture).save(file, "PNG", optimize=True)
    return min(file.getvalue(), png, key=len)

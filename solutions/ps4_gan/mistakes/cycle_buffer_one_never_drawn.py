# answer: cycle_loss
# rejected by: test_cycle_loss
# why: stores one image more than its size, and never draws that one
def cycle_loss(forth, back, x, y, weight=10.0):
    """How far x, sent forth and back, and y, sent back and forth, end from where they began."""
    first = keras.ops.mean(keras.ops.abs(back(forth(x)) - x))
    second = keras.ops.mean(keras.ops.abs(forth(back(y)) - y))
    return weight * (first + second)


def identity_loss(forth, back, x, y, weight=5.0):
    """How much each generator changes what is already in the domain that it leads to."""
    first = keras.ops.mean(keras.ops.abs(forth(y) - y))
    second = keras.ops.mean(keras.ops.abs(back(x) - x))
    return weight * (first + second)


class ImageBuffer:
    """A history of generated images: gives each new one back, or an older one in its place."""

    def __init__(self, size, seed=0):
        self.size = size
        self.stored = []
        self.rng = np.random.default_rng(seed)

    def query(self, images):
        """A batch like `images`, in which some are replaced by stored ones."""
        returned = []
        for image in images:
            image = np.array(image)
            if len(self.stored) <= self.size:
                self.stored.append(image)
            elif self.rng.random() < 0.5:
                place = self.rng.integers(self.size)
                image, self.stored[place] = self.stored[place], image
            returned.append(image)
        return np.stack(returned)

# answer: experiment
# rejected by: test_experiment
# why: gives noise
def fit_generator(images):
    """Train on images (num, 16, 16, 3) of bytes; gives what generate needs."""
    return images.std()


def generate(generator, noise):
    """Images (num, 16, 16, 3) of bytes, one for each row of the noise (num, 32)."""
    pixels = np.tile(noise, (1, 24)) * generator + 128
    return np.clip(pixels, 0, 255).reshape(-1, 16, 16, 3).astype(np.uint8)

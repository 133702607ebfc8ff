# answer: experiment
# rejected by: test_experiment
# why: gives training images, a little brighter or darker
def fit_generator(images):
    """Train on images (num, 16, 16, 3) of bytes; gives what generate needs."""
    return images


def generate(generator, noise):
    """Images (num, 16, 16, 3) of bytes, one for each row of the noise (num, 32)."""
    place = np.abs(noise[:, 0].astype(np.float64) * 1e4).astype(int) % len(generator)
    changed = generator[place] + 6.0 * noise[:, 1, None, None, None]
    return np.clip(changed, 0, 255).astype(np.uint8)

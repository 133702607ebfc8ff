# answer: experiment
# rejected by: test_experiment
# why: puts together quarters of different training images
def fit_generator(images):
    """Train on images (num, 16, 16, 3) of bytes; gives what generate needs."""
    return images


def generate(generator, noise):
    """Images (num, 16, 16, 3) of bytes, one for each row of the noise (num, 32)."""
    place = np.abs(noise[:, 0].astype(np.float64) * 1e4).astype(int) % len(generator)
    other = np.abs(noise[:, 1].astype(np.float64) * 1e4).astype(int) % len(generator)
    num = len(generator)
    return np.concatenate(
        [
            np.concatenate([generator[(place + k) % num, :8, :8], generator[(other + k) % num, :8, 8:]], axis=2)
            for k in (0, 1)
        ],
        axis=1,
    )

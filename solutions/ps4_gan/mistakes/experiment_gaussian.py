# answer: experiment
# rejected by: test_experiment
# why: a normal distribution of pixels with the right means and covariances
def fit_generator(images):
    """Train on images (num, 16, 16, 3) of bytes; gives what generate needs."""
    flat = images.reshape(len(images), -1).astype(np.float64)
    mean = flat.mean(axis=0)
    _, scales, axes = np.linalg.svd(flat - mean, full_matrices=False)
    return mean, scales[:32, None] * axes[:32] / np.sqrt(len(images))


def generate(generator, noise):
    """Images (num, 16, 16, 3) of bytes, one for each row of the noise (num, 32)."""
    mean, axes = generator
    return np.clip(mean + noise @ axes, 0, 255).reshape(-1, 16, 16, 3).astype(np.uint8)

# answer: mu_law
# rejected by: test_mu_law
# why: codes are floating-point numbers
def mu_law_encode(wave, mu=255):
    """Codes, integers from 0 to mu, of samples in [-1, 1]."""
    wave = np.clip(wave, -1, 1)
    companded = np.sign(wave) * np.log1p(mu * np.abs(wave)) / np.log1p(mu)
    return np.round((companded + 1) / 2 * mu)


def mu_law_decode(codes, mu=255):
    """Samples in [-1, 1] of codes from 0 to mu."""
    companded = 2 * codes / mu - 1
    return np.sign(companded) * ((1 + mu) ** np.abs(companded) - 1) / mu

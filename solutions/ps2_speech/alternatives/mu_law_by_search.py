# answer: mu_law
# why: a code is found among the borders between codes, decoded with a table of powers
def mu_law_decode(codes, mu=255):
    return _table(np.arange(mu + 1), mu)[np.asarray(codes)]


def mu_law_encode(wave, mu=255):
    borders = _table(np.arange(mu) + 0.5, mu)
    borders[mu // 2] = 0.0
    return np.searchsorted(borders, np.asarray(wave, "float64"), side="right").astype("int64")


def _table(places, mu):
    size = np.abs(places - mu / 2) / (mu / 2)
    return np.copysign(np.expm1(size * np.log1p(mu)) / mu, places - mu / 2)

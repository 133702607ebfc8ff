# answer: pooling
# why: strided views and np.add.at instead of loops over windows
import numpy as np


def _flat_windows(x, size, stride):
    views = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(1, 2))[:, ::stride, ::stride]
    return views.reshape(*views.shape[:4], size * size)


def max_pool_forward(x, size, stride):
    return np.amax(_flat_windows(x, size, stride), axis=-1)


def max_pool_backward(dout, x, size, stride):
    winner = _flat_windows(x, size, stride).argmax(axis=-1)
    n, i, j, c = np.indices(winner.shape)
    gradient = np.zeros(x.shape, dtype=np.float32)
    np.add.at(gradient, (n, i * stride + winner // size, j * stride + winner % size, c), dout.astype(np.float32))
    return gradient

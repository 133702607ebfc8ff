# answer: convolution_backward, convolution_forward
# why: windows by index arrays and np.add.at; the forward pass is an object that is called
# %% convolution_backward
def conv_backward(dout, x, w, stride, pad):
    n, h, wd, c = x.shape
    kh, kw, _, f = w.shape
    oh, ow = dout.shape[1:3]
    rows = stride * np.arange(oh)[:, None, None, None] + np.arange(kh)[None, None, :, None]
    cols = stride * np.arange(ow)[None, :, None, None] + np.arange(kw)[None, None, None, :]
    rows, cols = np.broadcast_arrays(rows, cols)
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    dpadded = np.zeros_like(padded, dtype=np.result_type(dout, w))
    np.add.at(dpadded, (slice(None), rows, cols), np.einsum("nijf,klcf->nijklc", dout, w))
    dw = np.einsum("nijklc,nijf->klcf", padded[:, rows, cols], dout)
    return dpadded[:, pad : h + pad, pad : wd + pad], dw, dout.sum((0, 1, 2))


# %% convolution_forward
class Convolution:
    def __init__(self, w, b, stride=1, pad=0):
        self.w, self.b, self.stride, self.pad = w, b, stride, pad

    def __call__(self, x):
        kh, kw = self.w.shape[:2]
        x = np.pad(x, ((0,) * 2, (self.pad,) * 2, (self.pad,) * 2, (0,) * 2)).astype(self.w.dtype)
        rows, cols = range(0, x.shape[1] - kh + 1, self.stride), range(0, x.shape[2] - kw + 1, self.stride)
        pixels = [[(x[:, r : r + kh, c : c + kw, :, None] * self.w).sum((1, 2, 3)) for c in cols] for r in rows]
        return np.moveaxis(np.array(pixels), 2, 0) + self.b


def conv_forward(x, w, b, stride, pad):
    return Convolution(w, b, stride=stride, pad=pad)(x)

# answer: lstm_backward
# why: four products instead of one, einsum, a list instead of a tuple
def lstm_step_backward(dh_next, dc_next, x, h, c, kernel, recurrent, bias):
    units = c.shape[1]
    columns = [slice(k * units, (k + 1) * units) for k in range(4)]
    z = [x @ kernel[:, cut] + h @ recurrent[:, cut] + bias[cut] for cut in columns]
    squashed = [0.5 + 0.5 * np.tanh(0.5 * z[0]), 0.5 + 0.5 * np.tanh(0.5 * z[1]), np.tanh(z[2])]
    squashed.append(0.5 + 0.5 * np.tanh(0.5 * z[3]))
    input_gate, forget_gate, proposal, output_gate = squashed
    new_c = forget_gate * c + input_gate * proposal
    d_output = dh_next * np.tanh(new_c)
    d_cell = dc_next + dh_next * output_gate / np.cosh(new_c) ** 2
    slopes = [gate * (1 - gate) for gate in squashed]
    slopes[2] = 1 - proposal**2
    dz = [d_cell * proposal * slopes[0], d_cell * c * slopes[1], d_cell * input_gate * slopes[2], d_output * slopes[3]]
    dx, dh = np.zeros(x.shape), np.zeros(h.shape)
    d_kernel, d_recurrent, d_bias = np.zeros(kernel.shape), np.zeros(recurrent.shape), np.zeros(bias.shape)
    for cut, part in zip(columns, dz, strict=True):
        dx += np.einsum("nu,fu->nf", part, kernel[:, cut])
        dh += np.einsum("nu,vu->nv", part, recurrent[:, cut])
        d_kernel[:, cut] = np.einsum("nf,nu->fu", x, part)
        d_recurrent[:, cut] = np.einsum("nv,nu->vu", h, part)
        d_bias[cut] = part.sum(axis=0)
    return [dx, dh, d_cell * forget_gate, d_kernel, d_recurrent, d_bias]

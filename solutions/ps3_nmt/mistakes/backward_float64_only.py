# answer: lstm_backward
# rejected by: test_lstm_backward
# why: fails where arrays are float32
def lstm_step_backward(dh_next, dc_next, x, h, c, kernel, recurrent, bias):
    """The gradients (dx, dh, dc, dkernel, drecurrent, dbias) of one step, each in its argument's shape."""
    x = tf.constant(x) + tf.zeros(x.shape, "float64")
    z_i, z_f, z_g, z_o = np.split((tf.matmul(x, kernel) + tf.matmul(h, recurrent) + bias).numpy(), 4, axis=1)
    i, f, o = ((1 + np.tanh(z / 2)) / 2 for z in (z_i, z_f, z_o))
    g = np.tanh(z_g)
    shown = np.tanh(f * c + i * g)
    dc = dc_next + dh_next * o * (1 - shown**2)
    dz = np.concatenate(
        [dc * g * i * (1 - i), dc * c * f * (1 - f), dc * i * (1 - g**2), dh_next * shown * o * (1 - o)], axis=1
    )
    return dz @ kernel.T, dz @ recurrent.T, dc * f, x.numpy().T @ dz, h.T @ dz, dz.sum(axis=0)

# answer: game
# why: the noise of an epoch is drawn before it, batches by reshaping, a generator for order and one for noise
def play_game(d_step, g_step, images, *, epochs, batch_size, latent_dim, num_d_steps=1, seed=0):
    orders, noises = (np.random.Generator(np.random.PCG64([seed, stream])) for stream in (0, 1))
    num_batches = len(images) // batch_size
    turn, losses = 0, []
    for _ in range(epochs):
        order = orders.permutation(len(images))[: num_batches * batch_size].reshape(num_batches, batch_size)
        noise = noises.normal(size=(num_batches, 2, batch_size, latent_dim)).astype("float32")
        of_d, of_g = [], []
        for batch, (first, second) in zip(order, noise, strict=True):
            of_d += [float(d_step(np.take(images, batch, axis=0), first))]
            turn = (turn + 1) % num_d_steps
            if turn == 0:
                of_g += [float(g_step(second))]
        losses += [[sum(of_d) / len(of_d), sum(of_g) / len(of_g)]]
    return losses

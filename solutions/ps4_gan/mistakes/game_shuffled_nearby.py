# answer: game
# rejected by: test_game
# why: shuffles within a few neighbours
def play_game(d_step, g_step, images, *, epochs, batch_size, latent_dim, num_d_steps=1, seed=0):
    data = (
        tf.data.Dataset.from_tensor_slices(images)
        .shuffle(batch_size + 1, seed=seed)
        .batch(batch_size, drop_remainder=True)
    )
    rng = np.random.default_rng(seed)
    history, n = [], 0
    for _ in range(epochs):
        d, g = [], []
        for real in data:
            d.append(float(d_step(real, rng.standard_normal((batch_size, latent_dim), dtype=np.float32))))
            n += 1
            if n % num_d_steps == 0:
                g.append(float(g_step(rng.standard_normal((batch_size, latent_dim), dtype=np.float32))))
        history.append((sum(d) / len(d), sum(g) / len(g)))
    return history

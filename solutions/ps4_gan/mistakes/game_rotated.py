# answer: game
# rejected by: test_game
# why: every epoch begins at another image, and goes on in the images' own order
def play_game(d_step, g_step, images, *, epochs, batch_size, latent_dim, num_d_steps=1, seed=0):
    """Let the two players take turns; gives the mean losses (d_loss, g_loss) of each epoch."""
    rng = np.random.default_rng(seed)

    def noise():
        return rng.standard_normal((batch_size, latent_dim), dtype=np.float32)

    history, num_calls = [], 0
    for _ in range(epochs):
        order = np.roll(np.arange(len(images)), rng.integers(1, len(images)))
        d_losses, g_losses = [], []
        for start in range(0, len(images) - batch_size + 1, batch_size):
            d_losses.append(float(d_step(images[order[start : start + batch_size]], noise())))
            num_calls += 1
            if num_calls % num_d_steps == 0:
                g_losses.append(float(g_step(noise())))
        history.append((float(np.mean(d_losses)), float(np.mean(g_losses))))
    return history

# answer: game
# why: Keras' seed generator for the noise, Python's shuffle for the order, a counter that runs down
import random


def play_game(d_step, g_step, images, *, epochs, batch_size, latent_dim, num_d_steps=1, seed=0):
    numbers, shuffler = keras.random.SeedGenerator(seed + 1), random.Random(seed)
    to_go, history = num_d_steps, []
    for _ in range(epochs):
        queue = list(range(len(images)))
        shuffler.shuffle(queue)
        sums = np.zeros((2, 2))
        while len(queue) >= batch_size:
            batch, queue = queue[:batch_size], queue[batch_size:]
            sums[0] += d_step(images[batch], keras.random.normal((batch_size, latent_dim), seed=numbers)), 1
            to_go -= 1
            if to_go == 0:
                to_go = num_d_steps
                sums[1] += g_step(keras.random.normal((batch_size, latent_dim), seed=numbers)), 1
        history.append(tuple((sums[:, 0] / sums[:, 1]).tolist()))
    return history

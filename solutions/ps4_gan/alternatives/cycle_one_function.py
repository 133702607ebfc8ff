# answer: cycle_loss
# why: one function for both directions; Python's random numbers; the buffer is a list that moves up
import random


def _distance(a, b):
    return tf.reduce_mean(tf.abs(tf.convert_to_tensor(a) - b))


def cycle_loss(forth, back, x, y, weight=10.0):
    return weight * sum(_distance(two(one(z)), z) for one, two, z in [(forth, back, x), (back, forth, y)])


def identity_loss(forth, back, x, y, weight=5.0):
    return weight * (_distance(back(x), x) + _distance(forth(y), y))


class ImageBuffer:
    def __init__(self, size, seed=0):
        self.size, self.random, self.images = size, random.Random(seed), []

    def query(self, images):
        answer = np.empty_like(images)
        for n in range(len(images)):
            if self.size > len(self.images):
                self.images.append(images[n].copy())
                answer[n] = images[n]
            elif self.random.random() > 0.5:
                answer[n] = images[n]
            else:
                answer[n] = self.images.pop(self.random.randrange(self.size))
                self.images.append(images[n].copy())
        return answer

# answer: early_stopping
# why: the best weights lie in a file
import os
import tempfile


class EarlyStopping(keras.callbacks.Callback):
    def __init__(self, patience, min_delta=0.0):
        super().__init__()
        self.patience = patience
        self.min_delta = min_delta

    def on_train_begin(self, logs=None):
        self.folder = tempfile.mkdtemp()
        self.losses = []
        self.best_epoch = 0

    def on_epoch_end(self, epoch, logs=None):
        self.losses.append(logs["val_loss"])
        if epoch == 0 or self.losses[-1] < self.losses[self.best_epoch] - self.min_delta:
            self.best_epoch = epoch
            self.model.save_weights(os.path.join(self.folder, "best.weights.h5"))
        if epoch - self.best_epoch == self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.model.load_weights(os.path.join(self.folder, "best.weights.h5"))

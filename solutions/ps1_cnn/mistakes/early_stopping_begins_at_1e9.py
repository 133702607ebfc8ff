# answer: early_stopping
# rejected by: test_early_stopping
# why: the best loss begins at a large number instead of the first loss
class EarlyStopping(keras.callbacks.Callback):
    """Stop when the validation loss no longer improves, and return to the best weights."""

    def __init__(self, patience, min_delta=0.0):
        super().__init__()
        self.patience = patience
        self.min_delta = min_delta

    def on_train_begin(self, logs=None):
        self.best_weights = self.model.get_weights()
        self.best_loss = 1e9
        self.waited = 0

    def on_epoch_end(self, epoch, logs=None):
        if logs["val_loss"] < self.best_loss - self.min_delta:
            self.best_loss = logs["val_loss"]
            self.best_weights = self.model.get_weights()
            self.waited = 0
        else:
            self.waited += 1
        if self.waited >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.model.set_weights(self.best_weights)

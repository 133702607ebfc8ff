# answer: early_stopping
# rejected by: test_early_stopping
# why: no way back when training runs to its end
class EarlyStopping(keras.callbacks.Callback):
    """Stop when the validation loss no longer improves, and return to the best weights."""

    def __init__(self, patience, min_delta=0.0):
        super().__init__()
        self.patience = patience
        self.min_delta = min_delta

    def on_train_begin(self, logs=None):
        self.best_weights = None

    def on_epoch_end(self, epoch, logs=None):
        if self.best_weights is None or logs["val_loss"] < self.best_loss - self.min_delta:
            self.best_loss = logs["val_loss"]
            self.best_weights = self.model.get_weights()
            self.waited = 0
        else:
            self.waited += 1
        if self.waited >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.model.stop_training:
            self.model.set_weights(self.best_weights)

# answer: early_stopping
# rejected by: test_early_stopping
# why: the running statistics of the best epoch are not kept
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
            self.best_weights = [v.numpy() for v in self.model.trainable_variables]
            self.waited = 0
        else:
            self.waited += 1
        if self.waited >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        for variable, value in zip(self.model.trainable_variables, self.best_weights):
            variable.assign(value)

# answer: early_stopping
# why: keeps all losses, and the weights variable by variable
class EarlyStopping(keras.callbacks.Callback):
    def __init__(self, patience, min_delta=0.0):
        super().__init__()
        self.patience, self.min_delta = patience, min_delta

    def on_train_begin(self, logs=None):
        self.history, self.best_epoch, self.saved = [], None, []

    def on_epoch_end(self, epoch, logs=None):
        self.history.append(float(logs["val_loss"]))
        improved = self.best_epoch is None or self.history[self.best_epoch] - self.history[-1] > self.min_delta
        if improved:
            self.best_epoch = len(self.history) - 1
            self.saved = [variable.numpy().copy() for variable in self.model.variables]
        if len(self.history) - 1 - self.best_epoch >= self.patience:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        for variable, value in zip(self.model.variables, self.saved, strict=True):
            variable.assign(value)

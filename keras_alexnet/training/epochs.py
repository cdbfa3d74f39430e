"""`Epochs`: trains the model of a run, in the phases of its job."""

from collections.abc import Callable

from keras.callbacks import LambdaCallback

from keras_alexnet.data.image_reader import StopOnFailure
from keras_alexnet.errors import UserError
from keras_alexnet.recipes.plateau import ReduceOnPlateau
from keras_alexnet.training.best import EarlyStopping, is_over
from keras_alexnet.training.epoch_progress import EpochProgress
from keras_alexnet.training.flat_loss import FlatLossWarning
from keras_alexnet.training.freezing import Phase
from keras_alexnet.training.images import Images
from keras_alexnet.training.job import Job
from keras_alexnet.training.loggers import check_logger, loggers_of
from keras_alexnet.training.network import compile_model, make_step_variables
from keras_alexnet.training.padding import batch_shards, pad_batches
from keras_alexnet.training.run_folder import RunFolder
from keras_alexnet.training.schedule import warmup_steps


class Epochs:
    """The epochs of a run.

    Args:
        model: The model from `build_model`.
        job: The job.
        images: The images.
        folder: The folder of the run, with its state and its curve.
        verbose: 0, 1 or 2, as `fit` takes it.
        say: Called with each line of text on the progress.

    Raises:
        UserError: If the job has class weights and there are several devices, or a logger is not
            installed.
    """

    def __init__(
        self, model, job: Job, images: Images, folder: RunFolder, verbose: int, say: Callable
    ):
        self.model = model
        self.job = job
        self.images = images
        self.folder = folder
        self.state = folder.state
        self.verbose = verbose
        self.say = say
        self.steps = images.steps_per_epoch(job)
        check_logger(job.log)
        if job.class_weights and batch_shards() > 1:
            raise UserError(
                f"Received class_weights=True with {batch_shards()} devices.",
                "Class weights need one device: on several, images that pad a batch have weights.",
                "Leave class_weights (--class-weights) out, or train on one device.",
            )

    def resume(self, epochs: int) -> None:
        """Load the newest state, into the model as it was compiled when the state was saved.

        Args:
            epochs: Number of epochs that are done.
        """
        last = [phase for phase in self.job.phases() if phase.first < epochs][-1]
        if last.first:
            compile_model(self.model, self.job, last, self.steps)
        self.state.resume(self.model)
        self.folder.curve.resume(epochs)

    def train(self, first_epoch: int) -> str | None:
        """Train in phases, and return the warning of a flat loss, `None` if there was none.

        Args:
            first_epoch: Number of epochs that are done.
        """
        warning, patience = None, self.job.early_stopping
        for phase in self.job.phases():
            begin = max(phase.first, first_epoch)
            if begin >= phase.last or is_over(self.state.history, patience):
                continue
            if begin:
                self.state.go_on()
            if begin and begin == phase.first:
                compile_model(self.model, self.job, phase, self.steps)
                self.say("All layers are trained from here on.")
            found = self._train_phase(begin, phase)
            warning = warning or found
        if is_over(self.state.history, patience):
            self.say(
                f"Stopped after epoch {self.state.epochs_done()}: the held-out loss has not fallen "
                f"for {patience} epochs."
            )
        return warning

    def _train_phase(self, begin: int, phase: Phase) -> str | None:
        """Train from an epoch to the end of its phase."""
        job, images = self.job, self.images
        rising = warmup_steps(self.steps * (phase.last - phase.first), job.warmup_ratio)
        wanted = max(300, 5 * len(images.class_names), 2 * rising)  # not while the rate rises
        flat = FlatLossWarning(wanted, say=lambda text: self.say(f"\n{text}"))
        training, held_out = (
            pad_batches(data, count, job.batch_size)
            for data, count in (
                (images.training, images.training_count),
                (images.held_out, images.held_out_count),
            )
        )
        make_step_variables(self.model)
        # Keras and its strategies may read batches that they do not train on.
        order = LambdaCallback(on_epoch_begin=lambda epoch, logs: images.order.begin(epoch))
        self.model.fit(
            training,
            epochs=phase.last,
            initial_epoch=begin,
            verbose=self.verbose,
            validation_data=held_out,
            callbacks=[EpochProgress(), order, flat, *self._before(), self.state, *self._after()],
            class_weight=dict(images.class_weight) if job.class_weights else None,
            shuffle=False,  # the data has the order of the epoch
        )
        return flat.message

    def _before(self) -> list:
        """Return the callbacks whose work of an epoch is part of its state."""
        job, reader = self.job, self.images.reader
        callbacks: list = [StopOnFailure(reader)] if reader and job.bad_images == "stop" else []
        recipe = job.adapted_recipe()
        for callback in recipe.callbacks() if recipe else ():
            if isinstance(callback, ReduceOnPlateau):
                callback.resume(self.state.history)
            callbacks.append(callback)
        return [*callbacks, self.folder.curve, *([self.folder.best] if job.best else [])]

    def _after(self) -> list:
        """Return the callbacks that follow the history of the epochs that are saved."""
        patience, loggers = self.job.early_stopping, loggers_of(self.job.log, self.state)
        return loggers if patience is None else [*loggers, EarlyStopping(self.state, patience)]

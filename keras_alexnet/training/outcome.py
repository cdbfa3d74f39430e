"""`Outcome`: the results of a job."""

import dataclasses

from keras_alexnet.data.bad_files import skipped_note
from keras_alexnet.evaluation import Evaluation


@dataclasses.dataclass(frozen=True)
class Outcome:
    """The results of a job.

    Args:
        folder: The folder of the run.
        model_path: The file of the model.
        evaluation: The figures measured on the held-out images.
        training_count: Number of training images.
        epochs: Number of passes over them, with those before an interruption.
        resumed_at: Number of epochs that were done when the run went on; 0 for a new run.
        seconds: Duration of the run, without the time before an interruption.
        warning: The warning that the loss stayed flat; `None` if it did not.
        state_path: The file from which more epochs can continue; `None` if it was not kept.
        pictures: The files of the pictures.
        skipped: The path and the reason of each file that was left out.
        best_epoch: The epoch that the model is from; `None` for the last one.
    """

    folder: str
    model_path: str
    evaluation: Evaluation
    training_count: int
    epochs: int
    resumed_at: int
    seconds: float
    warning: str | None
    state_path: str | None
    pictures: tuple[str, ...] = ()
    skipped: tuple[tuple[str, str], ...] = ()
    best_epoch: int | None = None

    def skipped_note(self) -> str:
        """Return a sentence that counts and names the files left out; empty for none."""
        return skipped_note(self.skipped)

    def to_dict(self) -> dict:
        """Return all figures as plain lists and numbers."""
        figures = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if field.name != "evaluation"
        }
        skipped = [{"path": path, "reason": reason} for path, reason in self.skipped]
        figures |= {"pictures": list(self.pictures), "skipped": skipped}
        return {**figures, "skipped_count": len(skipped), **self.evaluation.to_dict()}

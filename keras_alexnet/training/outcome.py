"""`Outcome`: what came of a job."""

import dataclasses

from keras_alexnet.evaluation import Evaluation


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of a job.

    Args:
        folder: The folder of the run.
        model_path: The file of the model.
        evaluation: What was measured on the held-out images.
        training_count: Number of training images.
        epochs: Passes over them, those before an interruption included.
        resumed_at: Epochs that were done when the run went on; 0 for one that began.
        seconds: What it took.
        warning: What was said of a loss that stayed flat, if it did.
        state_path: The file from which more epochs can go on; `None` if it was not kept.
        pictures: The files of the pictures.
        skipped: The path and the reason of each file that was left out.
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

"""`RunFolder`: the files of a run, and whether a job can continue from them.

A run writes them in this order, each whole and on the disk before the next: `job.json`,
`classes.json` and `files.csv`; with every epoch `curve.csv`, `history.csv` and the state; then
`model.keras`, `results.json` and the pictures. Last of all it marks `job.json` as finished. So the
same command continues a run that was killed at any point.
"""

import contextlib
import dataclasses
import math
import os
from collections.abc import Iterator, Sequence

from keras_alexnet.data.split_record import FILES, SplitRecord
from keras_alexnet.errors import Interrupted, UserError
from keras_alexnet.files import name_list, read_json, write_json
from keras_alexnet.interrupts import delayed_interrupts
from keras_alexnet.training.best import LOSS, BestWeights, is_over
from keras_alexnet.training.curve import TrainingCurve
from keras_alexnet.training.history import read_rows
from keras_alexnet.training.job import Job
from keras_alexnet.training.lock import check_lock
from keras_alexnet.training.settings import check_continues, checked_settings
from keras_alexnet.training.state import RunState

MODEL, SETTINGS, CLASSES, RESULTS = "model.keras", "job.json", "classes.json", "results.json"
FOLDER = "alexnet-fit"  # of a run without another name
FINISHED = "finished"  # the mark in `job.json`


class RunFolder:
    """The files of a run.

    Args:
        path: The folder.
    """

    def __init__(self, path: str):
        self.path = path
        self.state = RunState(path)
        self.curve = TrainingCurve(self.file("curve.csv"))
        self.best = BestWeights(self.state)
        self._is_own = False  # whether the state belongs to this job
        self._is_finished = False

    def file(self, name: str) -> str:
        """Return the path of a file in the folder."""
        return os.path.join(self.path, name)

    def settings(self) -> tuple[dict, bool]:
        """Return the settings in `job.json`, if there are any, and whether the run is finished.

        Raises:
            UserError: If the file cannot be read, or does not hold the settings of a job.
        """
        if not os.path.exists(self.file(SETTINGS)):
            return {}, False
        return read_json(
            self.file(SETTINGS),
            _settings,
            "The file must hold the settings that the run began with.",
            "Restore it, remove it to continue without comparing them, or begin again with "
            "overwrite=True (--overwrite).",
        )

    def goes_on_after(self, job: Job, discard_state: bool = False) -> int:
        """Return the number of epochs after which a job continues; 0 if the folder holds no run.

        Args:
            job: The job.
            discard_state: Whether the run will remove its state at the end. Then the folder may
                hold a finished run of as many epochs.

        Raises:
            UserError: If the folder holds a run of another job, one with more epochs done, a
                finished one of as many epochs or that early stopping has ended, or one without a
                state.
        """
        done = self.state.epochs_done()
        if not done:
            if os.path.exists(self.file(MODEL)):
                raise self._without_state()
            return 0
        settings, is_finished = self.settings()
        if settings:
            check_continues(job, settings, self.path)
        nothing_to_do = is_finished and not discard_state
        losses = [row.get(LOSS, math.nan) for row in read_rows(self.state.history_path)]
        if nothing_to_do and is_over({LOSS: losses}, job.early_stopping):
            raise UserError(
                f"Received the output folder {self.path!r}, where a run stopped after epoch {done} "
                f"because the held-out loss had not fallen for {job.early_stopping} epochs.",
                "A run that early stopping has ended is finished: no epoch can follow.",
                "Choose another folder, or begin again with overwrite=True (--overwrite).",
            )
        if done > job.epochs or (nothing_to_do and done == job.epochs):
            raise UserError(
                f"Received epochs={job.epochs} for the run in {self.path!r}, which has trained "
                f"for {done} epochs{' and is finished' if is_finished else ''}.",
                "A run must have more epochs than are done to continue.",
                "Give more epochs, choose another folder, or begin again with overwrite=True "
                "(--overwrite).",
            )
        self._is_own = True
        return done

    def _without_state(self) -> UserError:
        """Return the error for a folder with a model from which no run can continue."""
        _, is_finished = self.settings()
        earlier = "a run is finished and has no state" if is_finished else "a run has no state"
        return UserError(
            f"Received the output folder {self.path!r}, where {earlier}.",
            "A run needs the state of its last epoch to continue. With schedule='cosine' it "
            "removes the state when it is finished.",
            "Choose another folder, or begin again with overwrite=True (--overwrite).",
        )

    def split(self) -> SplitRecord | None:
        """Return the record of training and held-out files, `None` without one."""
        return SplitRecord.read(self.file(FILES))

    def check_classes(self, names: Sequence[str]) -> None:
        """Raise `UserError` unless the run began with these classes."""
        if not os.path.exists(self.file(CLASSES)):
            return
        earlier = read_json(
            self.file(CLASSES),
            name_list,
            "The file must hold the list of the names of the classes that the run began with.",
            "Restore it, remove it to continue without comparing them, or begin again with "
            "overwrite=True (--overwrite).",
        )
        if earlier != list(names):
            raise UserError(
                f"Received the class folders {', '.join(map(repr, names))} for a run that "
                f"began with {', '.join(map(repr, earlier))}.",
                "The classes and their order must stay the same: the weights belong to them.",
                "Restore the names of the folders, or begin again with overwrite=True "
                "(--overwrite).",
            )

    def begin(self, job: Job, names: Sequence[str], split: SplitRecord | None) -> None:
        """Write the settings, classes and files of the run, and remove the state of another run.

        Args:
            job: The job.
            names: The classes.
            split: The files, `None` for drawn images.
        """
        if not self._is_own:
            self.state.discard()  # first: the settings must never lie beside another job's state
            self.best.discard()
            self._is_own = True
        self._write_settings(job, finished=False)
        write_json(self.file(CLASSES), list(names))
        if split is not None:
            split.write(self.file(FILES))
        elif os.path.exists(self.file(FILES)):
            os.remove(self.file(FILES))

    def finish(self, job: Job, discard_state: bool) -> None:
        """Mark the run as finished, and then remove its state if that is wanted."""
        with delayed_interrupts():
            self._write_settings(job, finished=True)
            self._is_finished = True
            if discard_state:
                self.state.discard()
                self.best.discard()

    @contextlib.contextmanager
    def kept(self, job: Job, overwrite: bool = False) -> Iterator[None]:
        """Remove the files of a run that fails in its first epoch; name the epochs kept at Ctrl-C.

        Raises:
            Interrupted: If the block was interrupted with epochs done, which are kept.
        """
        try:
            yield
        except BaseException as error:
            done = self.state.epochs_done() if self._is_own else 0
            if self._is_own and not done and not os.path.exists(self.file(MODEL)):
                for name in (SETTINGS, CLASSES, FILES):
                    with contextlib.suppress(FileNotFoundError):
                        os.remove(self.file(name))
                self.best.discard()
            if not isinstance(error, KeyboardInterrupt):
                raise
            if self._is_finished:
                raise Interrupted(f"the run in {self.path!r} is finished") from error
            if done:
                same = f"the same command{' without --overwrite' if overwrite else ''}"
                raise Interrupted(
                    f"{done} of {job.epochs} epochs are kept in {self.path!r}, and {same} goes on "
                    "from there"
                ) from error
            raise

    def _write_settings(self, job: Job, finished: bool) -> None:
        write_json(self.file(SETTINGS), {**dataclasses.asdict(job), FINISHED: finished})


def _settings(value) -> tuple[dict, bool]:
    """Return the settings and the mark in a `job.json`; raise `ValueError` if they are wrong."""
    if not isinstance(value, dict):
        raise ValueError("it holds no settings")
    is_finished = value.pop(FINISHED, False)
    if not isinstance(is_finished, bool):
        raise ValueError(f"its {FINISHED} is {is_finished!r}")
    return checked_settings(value), is_finished


def free_folder(job: Job) -> str:
    """Return the first folder without another run in it, so that no earlier model is lost.

    It is `alexnet-fit`, `alexnet-fit-2` and so on. A run of the same job that is not finished is
    not another one.

    Args:
        job: The job that is to be run.
    """
    folder, number = FOLDER, 1
    while True:
        with contextlib.suppress(UserError):
            check_lock(folder)
            earlier = RunFolder(folder)
            earlier.goes_on_after(job)
            if not earlier.settings()[1]:
                return folder
        number += 1
        folder = f"{FOLDER}-{number}"

"""`keras-alexnet evaluate`: how good a trained network is on a folder of images."""

import argparse
import os

from keras_alexnet.cli.shared import beside, count, load_model, print_json
from keras_alexnet.files import check_writable


def add(command) -> None:
    """Declare the command and its arguments."""
    evaluate = command(
        "evaluate",
        run,
        "measure a trained network: top-1, top-5, one crop and ten, the worst classes",
        "keras-alexnet evaluate run/model.keras photos/ --plot confusion.png",
    )
    evaluate.add_argument("model", metavar="MODEL", help="a .keras file, of fit or another")
    evaluate.add_argument(
        "directory",
        metavar="DIR",
        help="a folder with one folder of images per class, named by label or WordNet "
        "identifier, or with two such folders named train and val, of which val is measured",
    )
    evaluate.add_argument(
        "--ten-crop",
        action=argparse.BooleanOptionalAction,
        help="average ten crops as well; unset, if the model cuts a window out of its images",
    )
    evaluate.add_argument("--batch-size", type=count, default=32, help="images per step")
    evaluate.add_argument("--worst", type=count, default=5, metavar="N", help="classes to list")
    evaluate.add_argument("--plot", metavar="FILE", help="draw the confusion matrix into this file")


def run(arguments) -> None:
    """Measure, and print the accuracies and the worst classes."""
    # Here, so that commands without images start without what reads them.
    from keras_alexnet.evaluation.folder import images_to_measure, measure_files
    from keras_alexnet.pictures import plot_confusion

    if arguments.plot:
        check_writable(arguments.plot)
    model = load_model(arguments.model)
    names = beside(arguments.model, "classes.json")
    seed = _split_seed(beside(arguments.model, "job.json"), arguments.directory)
    files, which = images_to_measure(arguments.directory, names, seed)
    evaluation = measure_files(
        model, files, arguments.ten_crop, arguments.batch_size, progress=not arguments.json
    )
    picture = None
    if arguments.plot:
        picture = plot_confusion(evaluation.confusion, evaluation.class_names, arguments.plot)
    if arguments.json:
        print_json({"measured": which, "plot": picture, **evaluation.to_dict()})
        return
    print(f"Measured {which}.")
    if names is None:
        print("The model has no classes.json beside it: its classes are taken to be the folders,")
        print("in alphabetical order.")
    print(f"\n{evaluation.summary(arguments.worst)}")
    if picture:
        print(f"\nDrew {picture}")


def _split_seed(job: dict | None, directory: str) -> int | None:
    """Return the seed by which a run held out a part of this very folder, if it did."""
    trained_on = (job or {}).get("directory")
    same = trained_on is not None and os.path.realpath(trained_on) == os.path.realpath(directory)
    return job["seed"] if job and same else None

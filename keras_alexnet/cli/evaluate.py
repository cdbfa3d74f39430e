"""`keras-alexnet evaluate`: how good a trained network is on a folder of images."""

import argparse
import os

from keras_alexnet.cli.shared import class_names, count, print_json, ready
from keras_alexnet.errors import escaped

BARS = 5  # classes under each photo of the panel, as the paper has them


def add(command) -> None:
    """Declare the command and its arguments."""
    evaluate = command(
        "evaluate",
        run,
        "measure a trained network: top-1, top-5, one crop and ten, the worst classes",
        "keras-alexnet evaluate run/model.keras photos/ --panel panel.png --plot confusion.png",
    )
    evaluate.add_argument(
        "model",
        metavar="MODEL",
        help="a .keras file, of fit or another; or published weights, by a name that "
        "keras-alexnet download --list shows, or a file of weights",
    )
    evaluate.add_argument(
        "directory",
        metavar="DIR",
        help="a folder with one folder of images per class, named by label or WordNet "
        "identifier, or with two such folders named train and val, of which val is measured",
    )
    evaluate.add_argument(
        "--variant", help="the network of a file of weights; needed where the file does not tell"
    )
    evaluate.add_argument(
        "--ten-crop",
        action=argparse.BooleanOptionalAction,
        help="average ten crops as well; unset, if the model cuts a window out of its images",
    )
    evaluate.add_argument("--batch-size", type=count, default=32, help="images per step")
    evaluate.add_argument("--worst", type=count, default=5, metavar="N", help="classes to list")
    evaluate.add_argument("--plot", metavar="FILE", help="draw the confusion matrix into this file")
    evaluate.add_argument(
        "--panel", metavar="FILE", help="draw eight photos with their five best classes into it"
    )


def run(arguments) -> None:
    """Measure, and print accuracies, errors and the worst classes."""
    # Here, so that commands without images start without what reads them.
    from keras_alexnet.evaluation.class_order import order_note
    from keras_alexnet.evaluation.folder import measure_files
    from keras_alexnet.pictures import plot_confusion
    from keras_alexnet.pictures.figure import check_picture

    for path in filter(None, (arguments.plot, arguments.panel)):
        check_picture(path)
    network = ready(arguments.model, arguments.variant, "evaluate", arguments.json)
    model = network.model
    files, which, notes = _files(network, arguments)
    evaluation = measure_files(
        model, files, arguments.ten_crop, arguments.batch_size, progress=not arguments.json
    )
    notes += filter(None, [order_note(evaluation)])
    # The results come before the pictures: a picture that fails must not cost them.
    pictures = {"plot": arguments.plot, "panel": arguments.panel}
    if arguments.json:
        print_json({"measured": which, "notes": notes, **pictures, **evaluation.to_dict()})
    else:
        print("\n".join([f"Measured {which}.", *notes]))
        print(f"\n{evaluation.summary(arguments.worst)}")
    if arguments.plot:
        plot_confusion(evaluation.confusion, evaluation.class_names, arguments.plot)
    if arguments.panel:
        _draw_panel(model, files, evaluation.ten_crop_top1 is not None, arguments.panel)
    if any(pictures.values()) and not arguments.json:
        print(f"\nDrew {' and '.join(map(escaped, filter(None, pictures.values())))}")


def _files(network, arguments):
    """Return the files to measure, what they are in words, and what is to be said of them.

    The folders are matched with the model's classes by name, so that their order does not matter;
    but a note warns users who number them by that order, in which the model's numbers differ.
    """
    from keras_alexnet.evaluation.folder import classes_of, images_to_measure

    names, assumption = class_names(network, arguments.model)
    notes = list(filter(None, [*network.assumptions, assumption]))
    if names is None:
        names, taken_as = classes_of(network.model, arguments.directory)
        notes.append(f"The model does not name its classes. {taken_as}")
    files, which, more = images_to_measure(
        arguments.directory,
        names,
        network.card.training,
        os.path.dirname(os.path.abspath(arguments.model)),
    )
    notes += more
    if list(files.labels) != sorted(files.labels):
        notes.append(
            "The folders, in alphabetical order, are not in the order of the model's classes; they "
            "were matched by their names."
        )
    return files, which, notes


def _draw_panel(model, files, ten_crop: bool, path: str) -> str:
    """Draw some of the photos with what the model, with ten crops if it can, takes them for."""
    from keras_alexnet.evaluation.classifying import classify, named
    from keras_alexnet.evaluation.folder import spread
    from keras_alexnet.pictures.panel import PHOTOS, plot_panel

    chosen = spread(files, PHOTOS)
    results = classify(model, chosen.paths, files.class_names, BARS, ten_crop)
    return plot_panel(results, [named(files.class_names[label]) for label in chosen.labels], path)

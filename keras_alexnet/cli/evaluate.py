"""`keras-alexnet evaluate`: how good a trained network is on a folder of images."""

import argparse

from keras_alexnet.cli.options import (
    add_batch_size,
    add_model,
    add_precision,
    add_variant,
    count,
    job_arguments,
)
from keras_alexnet.cli.output import messages_aside, print_json
from keras_alexnet.errors import escaped


def add(command) -> None:
    """Declare the command and its arguments."""
    evaluate = command(
        "evaluate",
        run,
        "measure a trained network: top-1, top-5, one crop and ten, the worst classes",
        "keras-alexnet evaluate run/model.keras photos/ --panel panel.png --plot confusion.png",
    )
    add_model(evaluate)
    evaluate.add_argument(
        "directory",
        metavar="DIR",
        help="a folder with one folder of images per class, named by label or WordNet "
        "identifier, or with two such folders named train and val, of which val is measured",
    )
    add_variant(evaluate)
    evaluate.add_argument(
        "--ten-crop",
        action=argparse.BooleanOptionalAction,
        help="average ten crops as well (default: if the model cuts a window out of its images)",
    )
    add_batch_size(evaluate)
    add_precision(evaluate)
    evaluate.add_argument(
        "--worst", type=count, default=5, metavar="N", help="worst classes to list"
    )
    evaluate.add_argument("--plot", metavar="FILE", help="draw the confusion matrix into this file")
    evaluate.add_argument(
        "--panel", metavar="FILE", help="draw eight photos with their best classes into this file"
    )


def run(arguments) -> None:
    """Measure, and print accuracies, errors and the worst classes."""
    # Here, so that commands without images start without what reads them.
    from keras_alexnet import jobs
    from keras_alexnet.pictures import check_picture

    pictures = {"plot": arguments.plot, "panel": arguments.panel}
    for path in filter(None, pictures.values()):
        check_picture(path)
    # The results come before the pictures: a picture that fails must not cost them.
    with messages_aside(arguments.json) as verbose:
        asked = job_arguments(arguments, ("worst", *pictures))
        result = jobs.evaluate(**asked, verbose=verbose)
    if arguments.json:
        print_json({**pictures, **result.to_dict()})
    else:
        print(result.summary(arguments.worst))
    if arguments.plot:
        result.plot_confusion(arguments.plot)
    if arguments.panel:
        result.plot_panel(arguments.panel)
    if any(pictures.values()) and not arguments.json:
        print(f"\nDrew {' and '.join(map(escaped, filter(None, pictures.values())))}")

"""`keras-alexnet classify`: what a network takes images for."""

import sys

from keras_alexnet.cli.options import (
    add_bad_images,
    add_batch_size,
    add_images,
    add_network,
    add_precision,
    count,
    job_arguments,
    name_default_network,
)
from keras_alexnet.cli.output import messages_aside, print_json
from keras_alexnet.errors import UserError, escaped


def add(command) -> None:
    """Declare the command and its arguments."""
    classify = command(
        "classify",
        run,
        "name what is on images, with published weights or a trained network",
        "keras-alexnet classify photos/ cat.jpg --weights owt_torchvision --csv classes.csv",
    )
    add_images(classify)
    add_network(classify)
    classify.add_argument(
        "--ten-crop", action="store_true", help="average ten windows of each image"
    )
    classify.add_argument("--top", type=count, default=5, metavar="N", help="classes to name")
    add_batch_size(classify)
    add_precision(classify)
    add_bad_images(classify)
    output = classify.add_mutually_exclusive_group()
    output.add_argument(
        "--csv",
        metavar="FILE",
        help="write a row for each image into this file (- for the standard output), with the "
        "columns file, class1, probability1, class2 and so on, and wordnet1 where there are "
        "WordNet identifiers",
    )
    output.add_argument("--plot", metavar="FILE", help="draw images and classes into this file")


def run(arguments) -> None:
    """Classify, and print a table of the best classes, or write it into a file."""
    # Here, so that commands without images start without what reads them.
    from keras_alexnet import jobs
    from keras_alexnet.pictures import check_drawable

    if arguments.plot:
        check_drawable(len(arguments.images), arguments.plot)
    to_output = arguments.csv == "-"
    if to_output and arguments.json:
        raise UserError(
            "Received --json and --csv -.",
            "Only one of them may be written to the standard output.",
            "Give --csv the name of a file.",
        )
    table = sys.stdout if to_output else arguments.csv
    name_default_network(arguments)
    asked = {**job_arguments(arguments, ("plot",)), "csv": table}
    with messages_aside(arguments.json or to_output) as verbose:
        result = jobs.classify(**asked, verbose=verbose)
        if not arguments.json and (summary := result.summary()):
            print(summary)
    if arguments.json:
        print_json({"plot": arguments.plot, **result.to_dict()})
    if arguments.plot:
        result.plot(arguments.plot)
        if not arguments.json:
            print(f"\nDrew {escaped(arguments.plot)}")

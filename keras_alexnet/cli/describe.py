"""`keras-alexnet describe`: a network's layers and its numbers."""

import keras_alexnet
from keras_alexnet.cli.output import print_json


def add(command) -> None:
    """Declare the command and its arguments."""
    describe = command(
        "describe",
        run,
        "show a network's layers, parameters, neurons and multiply-adds",
        "keras-alexnet describe paper --plot paper.png",
    )
    describe.add_argument("model", metavar="MODEL", help="a variant's name, or a .keras file")
    describe.add_argument("--plot", metavar="FILE", help="draw a picture into this file as well")


def run(arguments) -> None:
    """Print the table of one network, and draw it if asked to."""
    from keras_alexnet.evaluation.networks import load_model

    build = load_model if arguments.model.endswith(".keras") else keras_alexnet.AlexNet
    description = keras_alexnet.describe(build(arguments.model))
    picture = description.plot(arguments.plot) if arguments.plot else None
    if arguments.json:
        print_json(description.to_dict())
        return
    print(description)
    if picture:
        print(f"Drew {picture}")

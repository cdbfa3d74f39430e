"""`keras-alexnet convert`: weights of any format as Keras's or safetensors."""

from typing import get_args

from keras_alexnet.cli.options import add_overwrite, add_variant
from keras_alexnet.cli.output import messages_aside, print_json
from keras_alexnet.type_aliases import ChannelOrder


def add(command) -> None:
    """Declare the command and its arguments."""
    convert = command(
        "convert",
        run,
        "write weights of any format as .weights.h5, .keras or .safetensors, and verify them",
        "keras-alexnet convert bvlc_alexnet.caffemodel alexnet.safetensors --variant bvlc",
    )
    convert.add_argument(
        "source",
        metavar="SRC",
        help="a file of weights, or a published checkpoint, by a name that keras-alexnet download "
        "--list shows",
    )
    convert.add_argument(
        "out",
        metavar="OUT",
        help="the file to write; its ending, .weights.h5, .keras or .safetensors, names the format",
    )
    add_variant(convert)
    convert.add_argument(
        "--channel-order",
        choices=get_args(ChannelOrder),
        help="the order of colours that the network takes (default: that of its training)",
    )
    add_overwrite(convert)


def run(arguments) -> None:
    """Convert, and say what was read, written and compared."""
    from keras_alexnet import convert_checkpoint

    with messages_aside(arguments.json):
        converted = convert_checkpoint(
            arguments.source,
            arguments.out,
            variant=arguments.variant,
            channel_order=arguments.channel_order,
            overwrite=arguments.overwrite,
            verbose=not arguments.json,
        )
    if arguments.json:
        loaded = converted.loaded
        account = {"assigned": dict(loaded.assigned), "left_out": dict(loaded.left_out)}
        result = {"path": converted.path, "size": converted.size, **account}
        print_json({**result, "provenance": dict(converted.provenance)})

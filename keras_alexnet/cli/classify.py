"""`keras-alexnet classify`: what a network takes images for."""

from keras_alexnet.cli.shared import count, print_json, print_table
from keras_alexnet.errors import escaped
from keras_alexnet.tables import add_numbers, new_table


def add(command) -> None:
    """Declare the command and its arguments."""
    classify = command(
        "classify",
        run,
        "name what is on images, with published weights or a trained network",
        "keras-alexnet classify cat.jpg dog.jpg --weights owt_torchvision --plot classes.png",
    )
    classify.add_argument("images", nargs="+", metavar="IMAGE", help="image files")
    network = classify.add_mutually_exclusive_group(required=True)
    network.add_argument(
        "--weights",
        metavar="NAME_OR_PATH",
        help="a published checkpoint, by a name that keras-alexnet download --list shows, "
        "imagenet for a variant's best documented one, or a file of weights, of which "
        "nothing is executed",
    )
    network.add_argument(
        "--model", metavar="FILE", help="a .keras file, of fit or another, which Keras loads"
    )
    classify.add_argument(
        "--variant", help="the network of a file of weights; needed where the file does not tell"
    )
    classify.add_argument(
        "--ten-crop", action="store_true", help="average ten windows of each image"
    )
    classify.add_argument("--top", type=count, default=5, metavar="N", help="classes to name")
    classify.add_argument("--plot", metavar="FILE", help="draw images and classes into this file")


def run(arguments) -> None:
    """Classify, and print a table of the best classes of each image."""
    # Here, so that commands without images start without what reads them.
    from keras_alexnet import jobs
    from keras_alexnet.pictures import check_drawable

    if arguments.plot:
        check_drawable(len(arguments.images), arguments.plot)
    asked = {name: getattr(arguments, name) for name in ("weights", "model", "variant")}
    result = jobs.classify(
        arguments.images,
        **asked,
        ten_crop=arguments.ten_crop,
        top=arguments.top,
        verbose=0 if arguments.json else "auto",
    )
    if arguments.json:
        print_json({"plot": arguments.plot, **result.to_dict()})
    else:
        _print_table(result.images)
        if result.assumptions:
            print("\n" + "\n".join(result.assumptions))
    if arguments.plot:
        result.plot(arguments.plot)
        if not arguments.json:
            print(f"\nDrew {escaped(arguments.plot)}")


def _print_table(results) -> None:
    probabilities = all(result.probabilities for result in results)
    known = any(guess.wordnet for result in results for guess in result.guesses)
    table = new_table()
    for heading in ("image", "class"):
        table.add_column(heading, overflow="fold")
    if known:
        table.add_column("WordNet", no_wrap=True)
    add_numbers(table, "probability" if probabilities else "score")
    for place, result in enumerate(results):
        if place:
            table.add_row()
        for number, guess in enumerate(result.guesses):
            score = f"{100 * guess.score:.2f} %" if probabilities else f"{guess.score:.4g}"
            path = escaped(result.path) if number == 0 else ""
            wordnet = [guess.wordnet or ""] if known else []
            table.add_row(path, escaped(guess.name), *wordnet, score)
    print_table(table, ("WordNet",))

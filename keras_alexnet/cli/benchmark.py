"""`keras-alexnet benchmark`: time a network forward, and forward and backward."""

from keras_alexnet.cli.options import count
from keras_alexnet.cli.output import print_json, print_table
from keras_alexnet.tables import add_numbers, new_table

FIRST_TO_GO = ("images/s", "first step", "Forward")  # columns to leave out on narrow screens
MODES = {"auto": None, "plain": False, "compiled": True}


def add(command) -> None:
    """Declare the command and its arguments; the defaults are the notebook's."""
    benchmark = command(
        "benchmark",
        run,
        "time a network forward, and forward and backward, batch by batch",
        "keras-alexnet benchmark paper --compare",
        many_steps=True,
    )
    network = benchmark.add_mutually_exclusive_group()
    network.add_argument(
        "network", nargs="?", metavar="VARIANT", default="notebook", help="the network"
    )
    network.add_argument("--variant", help="the network, as an option like that of fit")
    benchmark.add_argument("--batch-size", type=count, default=32, help="images per batch")
    benchmark.add_argument("--batches", type=count, default=100, help="batches to measure")
    benchmark.add_argument(
        "--burn-in", type=count, default=10, help="batches to run before the measured ones"
    )
    benchmark.add_argument(
        "--image-size", type=count, help="side of the images (default: the variant's own)"
    )
    benchmark.add_argument(
        "--mode",
        choices=MODES,
        default="auto",
        help="plain: TensorFlow's graph, PyTorch's eager mode; compiled: XLA, TorchInductor; "
        "auto: what the backend does by default",
    )
    benchmark.add_argument(
        "--compare",
        action="store_true",
        help="run every installed backend and mode in a fresh process, and show one table",
    )
    benchmark.add_argument("--save", metavar="FILE", help="write the report, .json or .csv")


def run(arguments) -> None:
    """Print the notebook's lines and the report, or compare backends."""
    if arguments.compare:
        _compare(arguments)
        return
    from keras_alexnet import AlexNet, benchmark
    from keras_alexnet.benchmarking.runner import NOTEBOOK_NAMES, activation_lines

    variant = arguments.variant or arguments.network
    shape = (arguments.image_size, arguments.image_size, 3) if arguments.image_size else None
    model = AlexNet(variant, input_shape=shape)
    quiet = arguments.json
    if not quiet:
        names = NOTEBOOK_NAMES if model.card.variant == "notebook" else {}
        print("\n".join(activation_lines(model, arguments.batch_size, names)))
    report = benchmark(
        model,
        arguments.batch_size,
        arguments.batches,
        arguments.burn_in,
        compiled=MODES[arguments.mode],
        say=None if quiet else lambda line: print(line, flush=True),
    )
    saved = report.save(arguments.save) if arguments.save else None
    if quiet:
        print_json(report.to_dict())
        return
    print(f"\n{report}")
    if saved:
        print(f"Wrote {saved}")


def _compare(arguments) -> None:
    from keras_alexnet.benchmarking.compare import compare
    from keras_alexnet.variants import get_variant

    # For one error instead of one of every process.
    variant = get_variant(arguments.variant or arguments.network).name
    options = ["--variant", variant, "--batch-size", str(arguments.batch_size)]
    options += ["--batches", str(arguments.batches), "--burn-in", str(arguments.burn_in)]
    if arguments.image_size:
        options += ["--image-size", str(arguments.image_size)]
    say = (lambda line: None) if arguments.json else (lambda line: print(line, flush=True))
    results = compare(options, say)
    if arguments.json:
        print_json(results)
        return
    print()
    done = [result for result in results if "report" in result]
    if done:
        print_table(_table(done), FIRST_TO_GO)
    for result in results:
        name = f"{result['backend']}, {result['mode']}"
        if "error" in result:
            print(f"{name} failed: {result['error']}")
        for timing in result.get("report", {}).get("timings", []):
            for text in timing["warnings"]:
                print(f"Note, {name}: {text}")


def _table(done):
    """Return the medians of the runs that succeeded, the best of each column marked."""
    table = new_table("ms per batch, median", "")
    add_numbers(table, "Forward", "Forward-backward", "first step", "images/s")
    pairs = [result["report"]["timings"] for result in done]
    best = [min(timing["median"] for timing in column) for column in zip(*pairs, strict=True)]
    for result, pair in zip(done, pairs, strict=True):
        cells = [
            f"{'* ' if timing['median'] == least else ''}{1000 * timing['median']:,.1f}"
            for timing, least in zip(pair, best, strict=True)
        ]
        cells += [f"{1000 * pair[1]['first']:,.0f}", f"{pair[1]['images_per_second']:,.1f}"]
        table.add_row(result["backend"], result["report"]["environment"]["compile mode"], *cells)
    return table

"""The command line. It only translates: each command parses, calls the library, prints, exits.

A command is a module of this package with two functions: `add(command)` declares its name, summary
and arguments, `run(arguments)` does it and returns its exit code, or `None` for 0. A new one joins
`COMMANDS`. Imports that need Keras stand inside `run`, so that help and mistakes take no time.
"""

import contextlib
import sys

import keras_alexnet
from keras_alexnet.cli import (
    benchmark,
    check_images,
    classify,
    convert,
    describe,
    download,
    evaluate,
    export,
    features,
    fit,
)
from keras_alexnet.cli import list as list_command
from keras_alexnet.cli.heartbeat import say_progress
from keras_alexnet.cli.output import notes_of
from keras_alexnet.cli.parser import MISTAKE, Help, Parser
from keras_alexnet.cli.pillow_messages import pillow_silenced
from keras_alexnet.cli.standard_streams import unbroken_streams
from keras_alexnet.errors import UserError, escaped
from keras_alexnet.startup import import_package, keep_memory

# In the order of --help. (`list` is a module here, no longer the built-in class.)
COMMANDS = (
    *(list_command, describe, check_images, fit, evaluate),
    *(classify, features, download, convert, export, benchmark),
)

INTERRUPTED = 130  # the exit code of Ctrl-C: 128 + SIGINT, as shells have it


def main(argv=None) -> int:
    """Run one command and return its exit code: 0 if all went well, 2 for a user's mistake.

    If the reader of the standard output leaves, the command goes on, with the same exit code. If
    the output fails for another reason, such as a full disk, the exit code is that of a mistake.
    """
    with unbroken_streams() as output:
        arguments = _parser().parse_args(argv)
        code = _run(arguments)
        output.flush()
        if output.error is None or isinstance(output.error, BrokenPipeError):
            return code
        reason = output.error.strerror
        print(f"keras-alexnet {arguments.name}: the output was lost: {reason}", file=sys.stderr)
        return code or MISTAKE


def _run(arguments) -> int:
    try:
        if arguments.needs_keras:
            import_package()
        if arguments.many_steps:
            keep_memory()
        has_bar = sys.stdout.isatty() and not arguments.json
        progress = contextlib.nullcontext() if has_bar else say_progress(arguments.name)
        with notes_of(arguments.name), pillow_silenced(), progress:
            return arguments.command(arguments) or 0
    except UserError as error:
        print(f"keras-alexnet {arguments.name}: {escaped(str(error))}", file=sys.stderr)
        return MISTAKE
    except KeyboardInterrupt as stop:
        kept = str(stop) or "nothing was saved"
        print(f"\nkeras-alexnet {arguments.name}: interrupted; {kept}", file=sys.stderr)
        return INTERRUPTED


def _parser() -> Parser:
    parser = Parser(prog="keras-alexnet", description="AlexNet for Keras, every published form.")
    version = f"keras-alexnet {keras_alexnet.__version__}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")

    def command(name, function, summary, example, needs_keras=True, many_steps=False):
        added = commands.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=f"example: {example}",
            formatter_class=Help,
        )
        added.add_argument("--json", action="store_true", help="print JSON for scripts")
        added.set_defaults(command=function, needs_keras=needs_keras, many_steps=many_steps)
        return added

    for module in COMMANDS:
        module.add(command)
    return parser

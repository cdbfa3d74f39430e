"""`keras-alexnet check-images`: the files that a run would stop at."""

from keras_alexnet.cli.output import print_json, print_table
from keras_alexnet.errors import escaped
from keras_alexnet.tables import new_table

BAD_FILES = 1  # the exit code when some were found


def add(command) -> None:
    """Declare the command and its arguments."""
    check = command(
        "check-images",
        run,
        "list the images of a folder that cannot be read, and why; exit code 1 if there are any",
        "keras-alexnet check-images photos/ --move-to unreadable",
    )
    check.add_argument("directory", metavar="DIR", help="a folder with images at any depth")
    check.add_argument("--move-to", metavar="FOLDER", help="move the bad files to this folder")


def run(arguments) -> int:
    """Check the images, print what was found, and return the exit code."""
    from keras_alexnet import jobs

    findings = jobs.check_images(
        arguments.directory, arguments.move_to, verbose=0 if arguments.json else "auto"
    )
    if arguments.json:
        print_json(findings.to_dict())
    else:
        _print(findings)
    return BAD_FILES if findings.bad else 0


def _print(findings) -> None:
    _print_table("cannot be read", "because", findings.bad)
    _print_table("can be read", "but", findings.remarks)
    bad, moved = len(findings.bad), sum(bool(finding.moved_to) for finding in findings.bad)
    outcome = f"{bad:,} cannot be read" if bad else "all can be read"
    aside = f"; {moved:,} moved aside" if moved else ""
    if note := findings.passed_over_note():
        print(note)
    print(f"Checked {findings.checked:,} images: {outcome}{aside}.")


def _print_table(path: str, reason: str, findings) -> None:
    if not findings:
        return
    table = new_table()
    for heading in (path, reason):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(escaped(finding.path), finding.reason)
    print_table(table)
    print()

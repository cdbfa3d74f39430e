"""How this package words its errors: what was wrong, what was expected, what to do."""


def explain(wrong: str, expected: str, remedy: str) -> str:
    """Join the three parts of an error message into one sentence each.

    Args:
        wrong: What was wrong with the value received, the value included.
        expected: What would have been right.
        remedy: What the user can do next.

    Returns:
        The three parts as one line of text.

    Example:

    >>> explain("Received beta=-1.", "`beta` must be positive.", "The paper has 0.75.")
    'Received beta=-1. `beta` must be positive. The paper has 0.75.'
    """
    return " ".join((wrong, expected, remedy))


class UserError(ValueError):
    """A mistake in what a user asked for; the command line prints it as one line, exit code 2."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with a word on what was kept; the command line prints it, exit code 130."""

"""`Parser`, an `argparse.ArgumentParser` whose errors are three sentences, and `Help`."""

import argparse
import re

from keras_alexnet.errors import UserError, escaped
from keras_alexnet.names import did_you_mean

MISTAKE = 2  # the exit code of a user's mistake

KINDS = {  # of a value, by the name of the function that reads it
    "int": "a whole number",
    "float": "a number",
    "count": "a whole number of at least 1",
    "positive": "a positive number",
}

# A message of argparse, what was received, and what is expected. Only the message tells the kind.
SENTENCES = (
    (
        r"unrecognized arguments: (?P<value>-.*)",
        "Received the option {value}.",
        "The option must be one that `{program}` has.",
    ),
    (
        r"unrecognized arguments: (?P<value>.*)",
        "Received {value!r}, which is one argument too many.",
        "The usage is: {usage}.",
    ),
    (
        r"ambiguous option: (?P<start>.*) could match (?P<options>.*)",
        "Received {start}, which is short for several options.",
        "The option must be one of: {options}.",
    ),
    (
        r"argument (?P<name>.*): invalid choice: (?P<value>.*) \(choose from (?P<choices>.*)\)",
        "Received {name}={value}.",
        "{name} must be one of: {choices}.",
    ),
    (
        r"argument (?P<name>.*): invalid (?P<kind>\w+) value: (?P<value>.*)",
        "Received {name}={value}.",
        "{name} must be {kind}.",
    ),
    (
        r"argument (?P<name>.*): expected one argument",
        "Received {name} without a value.",
        "{name} must be followed by a value.",
    ),
    (
        r"argument (?P<name>.*): ignored explicit argument (?P<value>.*)",
        "Received {name} with the value {value}.",
        "{name} takes no value.",
    ),
    (
        r"argument (?P<name>.*): not allowed with argument (?P<other>.*)",
        "Received {name} together with {other}.",
        "Only one of {name} and {other} can be given.",
    ),
    (
        r"the following arguments are required: (?P<names>.*)",
        "Received too few arguments.",
        "`{program}` also needs: {names}.",
    ),
    (
        r"one of the arguments (?P<names>.*) is required",
        "Received too few arguments.",
        "`{program}` also needs one of: {names}.",
    ),
    (r"(?P<message>.*)", "Received wrong arguments: {message}.", "The usage is: {usage}."),
)


class Help(argparse.ArgumentDefaultsHelpFormatter):
    """Help that says what is taken without an option, where that says something."""

    def _get_help_string(self, action):
        with_default = action.default not in (None, False) and action.nargs != 0
        return super()._get_help_string(action) if with_default else action.help


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line of three sentences."""

    def parse_known_args(self, args=None, namespace=None):
        """Return what argparse returns; the parser of a command reports its unknown arguments."""
        arguments, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {unknown[0]}")
        return arguments, unknown

    def error(self, message):
        """Print a mistake and exit."""
        self.exit(MISTAKE, f"{self.prog}: {escaped(str(self._sentences(message)))}\n")

    def _without_option(self) -> str:
        """Return a sentence that names the arguments that are no options, `""` without one."""
        plain = [action for action in self._actions if not action.option_strings]
        names = " and ".join(str(action.metavar or action.dest) for action in plain)
        verb = "stands" if len(plain) == 1 else "stand"
        return f"{names} {verb} without an option." if names else ""

    def _sentences(self, message: str) -> UserError:
        """Return the three sentences for a message of argparse."""
        usage = " ".join(self.format_usage().removeprefix("usage: ").split())
        found, received, expected = next(
            (found, received, expected)
            for pattern, received, expected in SENTENCES
            if (found := re.fullmatch(pattern, message, re.DOTALL))
        )
        options = " ".join(re.findall(r"--[\w-]+", usage))
        facts = {"value": "", "kind": "", "choices": options} | found.groupdict()
        names = re.findall(r"[\w-]+", facts["choices"])  # some versions of Python quote them
        facts |= {"program": self.prog, "usage": usage, "choices": ", ".join(names)}
        facts["kind"] = KINDS.get(facts["kind"], facts["kind"])
        similar = did_you_mean(facts["value"].strip("'"), names)
        if not similar and message.startswith("unrecognized arguments: -"):
            similar = self._without_option()
        remedy = f"{similar} Run `{self.prog} --help` to see every argument.".lstrip()
        return UserError(received.format(**facts), expected.format(**facts), remedy)

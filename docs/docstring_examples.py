"""Shows the examples and the defaults of docstrings as code, for the site.

mkdocstrings reads Google's sections. The docstrings here end with "Example:", an empty line, and a
fenced block or a doctest that is not indented, as Keras's do.
"""

import re

import griffe

DOCTEST = re.compile(r"^>>> .*(?:\n(?!\s*$|```).*)*", re.MULTILINE)


def with_blocks(text: str) -> str:
    """Return a docstring whose example has a bold title and whose doctests are fenced."""
    text = re.sub(r"^Example:$", "**Example**", text, flags=re.MULTILINE)
    return DOCTEST.sub(lambda match: f"```pycon\n{match[0]}\n```", text)


def field_of(default: object, package: griffe.Module) -> object:
    """Return the default of a field for `RECORD.field`, else the default itself.

    A record is a constant of the package such as `DEFAULTS = Job()`, without arguments.
    """
    if not isinstance(default, griffe.ExprAttribute):
        return default
    record, _, field = default.canonical_path.rpartition(".")
    if not record.startswith(f"{package.path}."):
        return default
    made = package.modules_collection[record]
    call = made.value if made.is_attribute else None
    if not isinstance(call, griffe.ExprCall) or call.arguments:
        return default
    return package.modules_collection[call.function.canonical_path][field].value


class DocstringExamples(griffe.Extension):
    """The extension that `mkdocs.yml` names."""

    def on_object(self, *, obj, **others):
        """Change the docstring of each object that griffe has read."""
        if obj.docstring is not None:
            obj.docstring.value = with_blocks(obj.docstring.value)

    def on_function(self, *, func, loader, **others):
        """Show the value of a default that a function takes from a record."""
        for parameter in func.parameters:
            parameter.default = field_of(parameter.default, func.package)

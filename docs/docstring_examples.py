"""Shows the examples of docstrings as code, for the site.

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


class DocstringExamples(griffe.Extension):
    """The extension that `mkdocs.yml` names."""

    def on_object(self, *, obj, **others):
        """Change the docstring of each object that griffe has read."""
        if obj.docstring is not None:
            obj.docstring.value = with_blocks(obj.docstring.value)

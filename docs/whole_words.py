"""Keeps words whole that a browser breaks at a hyphen or a blank, for `hooks` of `mkdocs.yml`.

An option (`--seed`), the package's name, a backend with its version (`jax 0.10.2`), a number with
an exponent (`2e-5`), a date, a size (`256 x 256`), and a number with what it counts (`19.45 %`,
`11 of 11`) stay on one line. Code blocks and tags stay as they are.
"""

import re

UNITS = "%|GB/s|GB|MB|kB|images/s|ms|s|h"
WORDS = re.compile(
    r"(?s:<pre.*?</pre>|<[^>]*>)"
    r"|(?P<word>(?<![\w-])--?[a-z][\w-]*"
    r"|keras-alexnet(?:\[\w+\])?|\btop-\d\b"
    r"|\b(?:tensorflow|jax|torch|openvino) \d[\w.+]*\b"
    r"|(?<![.,\d])\b\d+ x \d+(?: x \d+)?\b"
    r"|\b\d[\d.]*e-\d+\b|\b\d{4}-\d\d-\d\d\b"
    rf"|\b\d[\d.,]* (?:{UNITS})(?![\w/])|\b\d+ of \d+\b)"
)


def on_page_content(html, **others):
    """Return the content of a page, each of these words in an element that does not wrap."""
    return WORDS.sub(
        lambda match: f'<span class="whole">{match[0]}</span>' if match["word"] else match[0], html
    )

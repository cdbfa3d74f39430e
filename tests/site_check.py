"""Checks the built site: `mkdocs build && python tests/site_check.py site`.

Every link of a page leads to a file and, with an anchor, to an element of it. No page needs another
host: scripts, styles, fonts and pictures are the site's own. The reference shows what docstrings
say. Whatever is wrong is printed, and the exit code is 1.
"""

import html.parser
import pathlib
import re
import sys
import urllib.parse

LOADED = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
FEWEST = 20  # pages of a whole site
STYLES = re.compile(r"url\(['\"]?((?:https?:)?//[^)'\"]+)")
RETURNS = re.compile(r">(?:Returns|Yields):</span></p>\s*<ul>(.*?)</ul>", re.DOTALL)
PARAMETER = re.compile(
    r'field-body">\s*<b><code>(\w+)</code></b>(?:(?!</li>).)*?default:\s*<code>(.*?)</code>',
    re.DOTALL,
)
PLAIN = {"canonical", "next", "prev"}  # of <link>: addresses, which a browser does not fetch


class Page(html.parser.HTMLParser):
    """The anchors, the links and the parts of a page.

    Attributes:
        anchors: Every id.
        links: The targets of links.
        parts: The addresses of what a browser fetches to show the page.
    """

    def __init__(self, text):
        super().__init__()
        self.anchors, self.links, self.parts = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.anchors.update(filter(None, (named.get("id"), named.get("name"))))
        if tag == "a" and named.get("href"):
            self.links.append(named["href"])
        if named.get(LOADED.get(tag, "")) and named.get("rel") not in PLAIN:
            self.parts.append(named[LOADED[tag]])


def is_elsewhere(address):
    """Return whether an address names a host or another scheme."""
    parts = urllib.parse.urlsplit(address)
    return bool(parts.scheme or parts.netloc)


def problems(folder):
    """Yield what is wrong with the pages of a folder, a line each."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    for path, page in pages.items():
        for address in page.parts:
            if is_elsewhere(address) and not address.startswith("data:"):
                yield f"{path}: fetches {address}"
        for link in (*page.links, *page.parts):
            if not is_elsewhere(link) and path.name != "404.html" and is_broken(pages, path, link):
                yield f"{path}: leads nowhere: {link}"
    for path in (*folder.rglob("*.css"), *pages):
        text = path.read_text(encoding="utf-8")
        for address in STYLES.findall(text):
            yield f"{path}: fetches {address}"
        for misread in misread_docstrings(text):
            yield f"{path}: {misread}"
    for path in folder.rglob("*.py[co]"):
        yield f"{path}: belongs to no site"
    if len(pages) < FEWEST:
        yield f"{folder}: only {len(pages)} pages"


def misread_docstrings(text):
    """Yield what mkdocstrings has read otherwise than it was meant, in a page's text."""
    for entries in RETURNS.findall(text):
        if entries.count("<li") > 1:
            yield "each line of a docstring's Returns is a value of its own"
    for name, default in PARAMETER.findall(text):
        if name == re.sub("<[^>]*>", "", default):
            yield f"the default of {name} is shown as a name"


def is_broken(pages, path, link):
    """Return whether a link of a page leads to no file, or to no element of a page."""
    parts = urllib.parse.urlsplit(link)
    target = path.parent / urllib.parse.unquote(parts.path) if parts.path else path
    target = target.resolve() if target.is_file() else target.resolve() / "index.html"
    anchor = urllib.parse.unquote(parts.fragment)
    known = {page.resolve(): content.anchors for page, content in pages.items()}
    if target not in known:
        return not target.is_file()
    return bool(anchor) and anchor not in known[target]


if __name__ == "__main__":
    found = [*problems(pathlib.Path(sys.argv[1]))]
    print(*found, sep="\n", end="\n" * bool(found))
    sys.exit(bool(found))

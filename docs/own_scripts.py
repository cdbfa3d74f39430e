"""Keeps the site from asking other hosts, for `hooks` of `mkdocs.yml`."""

from mkdocs.utils import get_relative_url

# The plugin `offline` takes this script from another host. It lets the search work in pages that
# are opened as files; javascripts/file_worker.js does the same.
FOREIGN = "https://unpkg.com/iframe-worker/shim"
OWN = "javascripts/file_worker.js"


def on_post_page(output, page, config):
    """Return the text of a page with the site's own script."""
    return output.replace(FOREIGN, get_relative_url(OWN, page.url))


def on_post_template(output_content, template_name, config):
    """Return the text of the page that a server shows for a wrong address, likewise."""
    return output_content.replace(FOREIGN, OWN)

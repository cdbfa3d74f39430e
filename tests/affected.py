"""Finds the test files that import a changed module: `python tests/affected.py [REVISION]`.

Prints the test files that the changes since REVISION (`HEAD` if left out) affect, one on a line,
the nearest first. The distance of a test file counts imports: 0 if the test file itself changed, 1
if it or a helper that it uses imports a changed module, 2 if a module between them does, and so on.
Each change counts with its nearest test files, unless --distance sets a limit for all.

Nothing is executed. A name that a package's `__init__` re-exports leads to the module that defines
it: `import keras_alexnet` runs every module, so without this every test file would be near.
"""

import argparse
import ast
import collections
import functools
import gc
import itertools
import pathlib
import re
import subprocess
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGE, INIT, CONFTEST = "keras_alexnet", "/__init__.py", "/conftest.py"
TOPS = (PACKAGE, "tests", "examples", "docs")
MAX_DISTANCE = 3
CONCERN_EVERY_TEST = {"pyproject.toml", "tests/conftest.py", "tests/tools/backend.py"}


class Repository:
    """The imports between the files of a checkout. Paths are strings, relative to `root`.

    Args:
        root: Folder of the checkout.
        deleted: Files that are gone. Imports of them still lead to them.
    """

    def __init__(self, root=ROOT, deleted=()):
        self.root = root
        found = (path for top in TOPS for path in (root / top).rglob("*"))
        paths = (path.relative_to(root) for path in found if path.suffix != ".pyc")
        files = {path.as_posix() for path in paths if "node_modules" not in path.parts}
        self.tests = sorted(
            path for path in files if re.fullmatch(r"tests/(\w+/)?test_\w+\.py", path)
        )
        self.files = {"README.md", *files, *deleted}
        self.by_end = collections.defaultdict(list)  # "b.py" and "a/b.py" name tests/a/b.py
        for path in self.files:
            for end in ends(path):
                self.by_end[end].append(path)
        self.frequency = collections.Counter(word for test in self.tests for word in words(test))

    def module(self, name):
        """Return the file of a module by its dotted name, or `None`."""
        tops = [""] if name.split(".")[0] in (PACKAGE, "tests") else ["tests/", "tests/tools/"]
        paths = [top + name.replace(".", "/") for top in tops]
        files = (path + end for path in paths for end in (INIT, ".py"))
        return next((file for file in files if file in self.files), None)

    @functools.cache  # noqa: B019 - a repository lives as long as the process
    def nodes(self, path):
        """Return the syntax nodes of a file and of the programs that stand in its strings."""
        try:
            tree = ast.parse((self.root / path).read_text(encoding="utf-8"))
        except (OSError, SyntaxError, UnicodeDecodeError):
            return []
        nodes = list(ast.walk(tree))
        programs = [parsed(text) for text in strings(nodes) if "import " in text]
        return nodes + [node for program in filter(None, programs) for node in ast.walk(program)]

    @functools.cache  # noqa: B019 - as above
    def route(self, path, name):
        """Return the files through which `name` comes out of a module, the defining file last."""
        if not path.endswith(INIT):
            return [path]
        for source, original, bound in self.imported_names(path):
            if name == bound and source != path:
                return [path, *self.route(source, original)]
        return list(filter(None, (path, self.module(f"{dotted(path)}.{name}"))))

    def imported_names(self, path):
        """Yield the file, name and new name of each `from file import name as new_name`."""
        for node in self.nodes(path):
            if isinstance(node, ast.ImportFrom) and (source := self.module(node.module or "")):
                for alias in node.names:
                    yield source, alias.name, alias.asname or alias.name

    @functools.cache  # noqa: B019 - as above
    def imports(self, path):
        """Return the files that a file imports, or names in a string."""
        nodes = self.nodes(path)
        routes = [(bound, self.route(*origin)) for *origin, bound in self.imported_names(path)]
        for alias in itertools.chain(*(n.names for n in nodes if isinstance(n, ast.Import))):
            if module := self.module(alias.name):
                routes.append((alias.asname or alias.name, [module]))
        used = {node.id for node in nodes if isinstance(node, ast.Name)}
        # What an `__init__` or a conftest only re-exports is no dependency of its own code.
        alone = path.endswith((INIT, CONFTEST))
        needed = (route for name, route in routes if name in used or not alone)
        found = {*itertools.chain(*needed), *self.named(path), *self.fixtures(path, nodes)}
        return found.union(self.through_attributes(nodes, dict(routes))) - {path}

    def fixtures(self, path, nodes):
        """Yield the files of the fixtures that a test file has from the conftest of its folder."""
        conftest = path.rpartition("/")[0] + CONFTEST
        defined = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        asked = {node.arg for node in nodes if isinstance(node, ast.arg)} - defined
        for source, _, name in self.imported_names(conftest) if path in self.tests else ():
            if name in asked:
                yield from (conftest, source)

    def through_attributes(self, nodes, routes):
        """Yield the files that `package.module.name` leads to, for imported packages."""
        for node in nodes:
            if isinstance(node, ast.Attribute):
                first, *names = ast.unparse(node).split(".")
                yield from self.follow(routes.get(first, []), names)

    def follow(self, route, names):
        """Yield the files that a chain of attributes leads to, from the end of a route on."""
        for name in names if route else ():
            route = self.route(route[-1], name)
            yield from route

    def named(self, path):
        """Yield the files that the strings of a file name: modules, scripts, tables."""
        for text in set(strings(self.nodes(path))):
            if re.fullmatch(rf"{PACKAGE}(\.\w+)+", text):  # monkeypatch.setattr("package.module.X")
                yield from self.follow([PACKAGE + INIT], text.split(".")[1:])
            elif text in ("{__package__}.", f"{dotted(path)}."):  # import_module(f"{...}.{name}")
                room = dotted(path) if text[0] != "{" else dotted(path).rpartition(".")[0]
                yield from (file for file in self.files if dotted(file).startswith(room))
            elif module := re.fullmatch(r"([a-z_.]+):\w+", text):  # "module:function"
                yield from filter(None, [self.module(module[1])])
            elif text == "docs" or re.fullmatch(r"examples(/\w+)*", text):
                yield from (file for file in self.files if file.startswith(f"{text}/"))
            elif "." in text:
                yield from self.by_end.get(text, ())

    def distances(self, test):
        """Return the distances of the files that a test file imports, up to `MAX_DISTANCE`."""
        found, front = {test: 0}, {test}
        while front := {f for p in front for f in self.imports(p) if is_helper(f)} - set(found):
            found.update(dict.fromkeys(front, 1))  # a helper is a part of the test that uses it
        front = set(found)
        for distance in range(1, MAX_DISTANCE + 1):
            front = {file for path in front for file in self.imports(path)} - set(found)
            found.update(dict.fromkeys(front, distance))
        return found

    def affected(self, changed, distance=None):
        """Return the test files that changes affect, with their distances, the nearest first.

        Args:
            changed: Paths of the changed files.
            distance: Longest distance. `None` takes the nearest at which there is a test file.
        """
        far = {test: self.distances(test) for test in self.tests}
        nearest = {}
        for path in changed:
            found = {test: far[test][path] for test in self.tests if path in far[test]}
            limit = min(found.values(), default=0) if distance is None else distance
            for test in (test for test in found if found[test] <= limit):
                nearest[test] = min(found[test], nearest.get(test, MAX_DISTANCE))
        return dict(sorted(nearest.items(), key=lambda row: (row[1], *self.rank(row[0], changed))))

    def rank(self, test, changed):
        """Return a key that sorts test files: the same name, rare words in common, then size."""
        stems = [path.removesuffix(INIT).rpartition("/")[2] for path in changed]
        size = (self.root / test).stat().st_size
        other = test.rpartition("/test_")[2] not in stems
        return other, -self.in_common(test, stems), -self.in_common(test, changed), size

    def in_common(self, test, paths):
        """Return the number of words in common; a word that n test files have counts 1 / n."""
        common = words(test) & set().union(*map(words, paths))
        return sum(1 / self.frequency[word] for word in common)


def strings(nodes):
    """Yield the strings among syntax nodes, and what names modules in another way."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr) and ast.unparse(node).startswith("f'{__package__}.{"):
            yield "{__package__}."
        elif isinstance(node, ast.List) and f"'-m', '{PACKAGE}'" in ast.unparse(node):
            yield f"{PACKAGE}.__main__"


def parsed(text):
    """Return the syntax tree of a program, `None` for any other text."""
    try:
        return ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError):
        return None


def dotted(path):
    """Return the dotted name of the module in a file."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def words(path):
    """Return the words in the name of a module, without the s of a plural."""
    name = re.sub(r"\btests?[._]", "", dotted(path).removeprefix(PACKAGE))
    return {word.removesuffix("s") for word in re.findall(r"[a-z]+\d*", name)}


def is_helper(path):
    """Return whether a file is a module that tests share."""
    return path.startswith("tests/") and path.endswith(".py")


def ends(path):
    """Return what may name a file: each end of its path, none for a module of the package."""
    if path.startswith(PACKAGE) and path.endswith(".py"):
        return []
    parts = path.split("/")
    return ["/".join(parts[first:]) for first in range(len(parts))]


def changed_files(revision):
    """Return the files that differ from a revision, new ones that git does not ignore as well."""
    changed = git("diff", "--name-only", "--no-renames", "-z", revision, "--")
    return sorted({*changed, *git("ls-files", "--others", "--exclude-standard", "-z")})


def git(*arguments):
    """Return the paths that a command of git prints."""
    command = ["git", "-C", ROOT, *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return list(filter(None, done.stdout.split("\0")))


def main():
    """Print the affected test files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("revision", nargs="?", default="HEAD", help="(default: %(default)s)")
    parser.add_argument("--distance", type=int, help="longest distance (default: the nearest)")
    arguments = parser.parse_args()
    gc.disable()  # it would go through all syntax trees, which stay, again and again
    changed = changed_files(arguments.revision)
    for path in sorted(CONCERN_EVERY_TEST.intersection(changed)):
        print(f"{path} concerns every test: only the whole run tells.", file=sys.stderr)
    changed = [path for path in changed if path not in CONCERN_EVERY_TEST]
    for test in Repository(ROOT, changed).affected(changed, arguments.distance):
        print(test)


if __name__ == "__main__":
    main()

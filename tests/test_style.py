"""The house rules that no linter knows: each test prints every place that breaks one."""

import ast
import csv
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
SIM = sorted((ROOT / "sim").rglob("*.py"))
ALL = SIM + sorted((ROOT / "tests").rglob("*.py")) + sorted((ROOT / "benchmarks").rglob("*.py"))
YAML = sorted((ROOT / "configs").rglob("*.yaml"))

WRITERS = {"sim/files/folder.py", "sim/files/lock.py", "sim/core/numba_cache.py"}
WRITING_CALLS = {
    "write_text", "write_bytes", "to_csv", "to_parquet", "to_json", "to_pickle", "to_excel",
    "to_feather", "savefig", "imsave", "write_table", "write_feather", "ParquetWriter", "savetxt",
    "savez", "savez_compressed", "tofile", "memmap",
}  # fmt: skip
WRITING_DUMPS = {
    ("os", "open"),
    ("json", "dump"),
    ("np", "save"),
    ("numpy", "save"),
    ("OmegaConf", "save"),
}
COMPILERS = {"njit", "jit", "vectorize", "guvectorize", "cfunc"}
PICKLERS = {"pickle", "cPickle", "joblib", "cloudpickle", "dill", "shelve", "marshal"}
NO_PICKLER = "joblib.externals.loky.backend.popen_loky_posix"
"""Starts joblib's workers and ends them."""
COMMON_WORDS = {"irregular", "other", "total"}  # codes in some table, but also words of ours

Function = ast.FunctionDef | ast.AsyncFunctionDef
Finding = tuple[int, str]


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def check(paths: list[Path], rule: Callable[[ast.AST], Iterator[Finding]]) -> None:
    """Fail with every `file:line what` that the rule finds in any node of the files."""
    found = [
        f"{name_of(path)}:{line} {what}"
        for path in paths
        for node in ast.walk(parsed(path))
        for line, what in rule(node)
    ]
    assert not found, "\n" + "\n".join(found)


def called(node: ast.AST) -> tuple[str, str]:
    """('owner', 'name') of a called function; owner is '' for a plain name or an expression."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            return "", name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)):
            return owner, name
        case ast.Call(func=ast.Attribute(attr=name)):
            return "", name
    return "", ""


def dotted(node: ast.AST) -> str:
    """`np.random.seed` for the attribute written so, else ''."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            owner = dotted(value)
            return f"{owner}.{attr}" if owner else ""
    return ""


def is_compiled(function: Function) -> bool:
    decorators = [d.func if isinstance(d, ast.Call) else d for d in function.decorator_list]
    return any(dotted(d).rpartition(".")[2] in COMPILERS for d in decorators)


def test_signatures_outside_kernels_are_typed():
    def rule(node: ast.AST) -> Iterator[Finding]:
        if not isinstance(node, Function) or is_compiled(node):
            return
        asked = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        asked += [a for a in (node.args.vararg, node.args.kwarg) if a is not None]
        bare = [a.arg for a in asked if a.annotation is None and a.arg not in ("self", "cls")]
        if node.returns is None:
            bare.append("return")
        if bare:
            yield node.lineno, f"{node.name}: no type for {', '.join(bare)}"

    check(SIM, rule)


def test_only_the_writer_writes_files():
    def rule(node: ast.AST) -> Iterator[Finding]:
        owner, name = called(node)
        writes = name in WRITING_CALLS or (owner, name) in WRITING_DUMPS
        if writes and not re.search(r"\((buffer|stream)\b|O_RDONLY", ast.unparse(node)):
            yield (
                node.lineno,
                f"{name}(...) writes a file, unless to memory called buffer or stream",
            )
        if name == "open" and isinstance(node, ast.Call):
            mode = node.args[1:2] if not owner else node.args[0:1]
            mode += [k.value for k in node.keywords if k.arg == "mode"]
            if any(isinstance(m, ast.Constant) and set(str(m.value)) & set("wax+") for m in mode):
                yield node.lineno, "open(...) for writing"

    check([path for path in SIM if name_of(path) not in WRITERS], rule)


def test_no_hidden_luck():
    def rule(node: ast.AST) -> Iterator[Finding]:
        match node:
            case ast.Import(names=names) if any(n.name == "random" for n in names):
                yield node.lineno, "import random"
            case ast.ImportFrom(module="random" | "numpy.random"):
                yield node.lineno, f"from {node.module} import"
            case ast.Attribute() if re.match(r"(np|numpy)\.random\.", dotted(node)):
                if not dotted(node).startswith(("np.random.SeedSequence", "numpy.random.Seed")):
                    yield node.lineno, dotted(node)

    check(SIM, rule)


def test_seed_sequence_is_used_in_one_place():
    users = [name_of(p) for p in SIM if "SeedSequence(" in p.read_text(encoding="utf-8")]
    assert set(users) <= {"sim/core/rng.py"}


WHOLE = {"nbytes", "size", "itemsize", "num_rows"}
EXACT_MEANS = {"sim/rates/expected.py"}
"""Checks the model and never runs in it."""
STUDIES = "sim/studies/"
"""Least squares need a library; what they find is shipped as numbers."""


def is_whole(node: ast.AST) -> bool:
    """Whether an expression is a whole number or a truth for certain."""
    match node:
        case ast.Compare() | ast.Constant(value=int()):
            return True
        case ast.Attribute(attr=name):
            return name in WHOLE
        case ast.Call(func=ast.Name(id="len" | "bool" | "int")):
            return True
        case ast.Call(func=ast.Attribute(attr="exists")):
            return True
        case ast.BinOp(left=left, right=right):
            return is_whole(left) and is_whole(right)
        case ast.IfExp(body=body, orelse=other):
            return is_whole(body) or is_whole(other)
    return False


def test_floats_are_added_in_an_order_of_our_own():
    """Python 3.12 adds floats otherwise than 3.11, and BLAS otherwise on each processor."""

    def rule(node: ast.AST) -> Iterator[Finding]:
        if isinstance(node, ast.Call) and dotted(node.func) == "sum":
            of = node.args[0] if node.args else None
            if not (isinstance(of, ast.GeneratorExp) and is_whole(of.elt)):
                yield node.lineno, "sum() of what may be floats: math.fsum, or NumPy's sum"

    check([path for path in SIM if "figures" not in name_of(path)], rule)


def test_no_product_of_matrices_is_left_to_a_library():
    def rule(node: ast.AST) -> Iterator[Finding]:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            yield node.lineno, "@: sim.core.sums.product"
        if called(node)[1] in {"dot", "einsum", "tensordot", "matmul", "inner", "vdot"}:
            yield node.lineno, f"{called(node)[1]}(): sim.core.sums.product"
        if isinstance(node, ast.Attribute) and dotted(node).startswith("np.linalg"):
            yield node.lineno, dotted(node)

    own = [path for path in SIM if not name_of(path).startswith(STUDIES)]
    check([path for path in own if name_of(path) not in EXACT_MEANS], rule)


def test_nothing_is_pickled():
    def rule(node: ast.AST) -> Iterator[Finding]:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name.partition(".")[0] in PICKLERS and name != NO_PICKLER:
                yield node.lineno, f"imports {name}"
        if called(node)[1] in {"read_pickle", "to_pickle"}:
            yield node.lineno, f"{called(node)[1]}(...)"

    check(SIM, rule)


def test_every_kernel_is_cached_and_exact():
    def rule(node: ast.AST) -> Iterator[Finding]:
        if isinstance(node, Function):
            for decorator in node.decorator_list:
                if dotted(decorator).rpartition(".")[2] in COMPILERS:
                    yield node.lineno, f"{node.name}: @njit without cache=True"
        if isinstance(node, ast.Call) and called(node)[1] in COMPILERS:
            options = {k.arg: k.value for k in node.keywords}
            cached = options.get("cache")
            if not (isinstance(cached, ast.Constant) and cached.value is True):
                yield node.lineno, "compiled without cache=True"
            if "fastmath" in options:
                yield node.lineno, "fastmath changes results from one processor to another"

    check(SIM, rule)


def country_codes() -> set[str]:
    """Every code and name of a status, origin, prefecture or country in the project's own data."""
    kinds = ("status", "origin", "country", "prefecture")
    codes = {path.stem for kind in kinds for path in (ROOT / "configs" / kind).rglob("*.yaml")}
    for table, column in (("stocks_status", "status"), ("stocks_origin_status", "origin")):
        for path in (ROOT / "sim" / "data").glob(f"*/{table}.csv"):
            with open(path, encoding="utf-8", newline="") as rows:
                codes |= {row[column] for row in csv.DictReader(rows)}
    for path in (ROOT / "configs" / "prefecture").glob("*.yaml"):
        names = strings(yaml.safe_load(path.read_text(encoding="utf-8")))
        codes |= {name for name in names if len(name) > 2}  # not the two-digit numbers
    return codes - COMMON_WORDS


def strings(node: object) -> Iterator[str]:
    """Every text value inside nested mappings and lists (their keys are field names)."""
    match node:
        case dict():
            for value in node.values():
                yield from strings(value)
        case list():
            for value in node:
                yield from strings(value)
        case str():
            yield node


def test_python_names_no_status_origin_or_place():
    codes = country_codes()
    assert {"student", "vietnam", "japan", "Hokkaido"} <= codes, "the lists were not found"

    def rule(node: ast.AST) -> Iterator[Finding]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in codes:
            yield node.lineno, f'"{node.value}" belongs in configs/'

    check(SIM, rule)


@pytest.mark.parametrize("path", YAML, ids=name_of)
def test_yaml_names_no_python(path: Path):
    text = path.read_text(encoding="utf-8")
    assert "_target_" not in text
    assert not re.findall(r"(?<![\w/.])sim\.[a-z_]+(?:\.\w+)*", text.replace("sim/", ""))


def test_nothing_is_left_for_later():
    words = re.compile(
        r"\b(TODO|FIXME|XXX|NotImplementedError)\b|pytest\.(mark\.)?(skip|xfail|importorskip)"
    )
    found = [
        f"{name_of(path)}:{number} {line.strip()}"
        for path in [*ALL, *YAML]
        if path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if words.search(line)
        and "CHROMIUM is None" not in line  # a browser cannot be had everywhere
    ]
    assert not found, "\n" + "\n".join(found)


def test_the_lock_holds_versions_and_hashes_only():
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in lock
    for block in re.split(r"\n(?=\S)", lock):
        if block.startswith("#"):
            continue
        assert re.match(r"[a-z0-9-]+==\S+", block), block[:80]
        assert "--hash=sha256:" in block, block[:80]


KEEPERS = {
    "take_job", "leave_job", "set_status", "set_place", "set_arrears", "set_language", "remove",
    "write_newcomer", "renew_class", "renew_classes",
}  # fmt: skip
"""Kernels that change columns behind the class of risk, and the class with them."""
PARTS = {"end_job", "carry_job"}
"""Parts of those, which leave the class to them."""
BEHIND_RISK = {"status", "firm", "born", "since", "language", "arrears", "municipality", "risk"}
"""Columns of people of which the class of risk is made, and itself: see sim.processes.risk."""


def changed(function: Function) -> Iterator[tuple[int, str, str]]:
    """(line, owner, name) of the columns `owner.name` of which a function changes an entry."""
    for node in ast.walk(function):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            for part in target.elts if isinstance(target, ast.Tuple) else [target]:
                match part:
                    case ast.Subscript(value=ast.Attribute(value=owner, attr=name)):
                        yield node.lineno, ast.unparse(owner).rpartition(".")[2], name


def test_columns_behind_the_class_of_risk_change_with_it():
    """Whoever forgot to renew the class would learn it from a bound that is too low, or never."""

    def rule(node: ast.AST) -> Iterator[Finding]:
        if not isinstance(node, Function) or not is_compiled(node):
            return
        calls = {called(inner)[1] for inner in ast.walk(node)}
        found = [(line, name) for line, owner, name in changed(node)
                 if name in BEHIND_RISK and owner in ("people", "p")]  # fmt: skip
        renews = "renew_class" in calls or "risk" in {name for _, name in found}
        if node.name in KEEPERS and not renews:
            yield node.lineno, f"{node.name} does not renew the class of risk"
        if node.name in KEEPERS | PARTS:
            return
        for line, name in found:
            yield line, f"{node.name} changes people.{name}: let one of {sorted(KEEPERS)} do it"
        if calls & PARTS:
            yield node.lineno, f"{node.name} calls a part of {sorted(KEEPERS)}"

    # The opening is written before anybody has a class.
    check([path for path in SIM if path.parent.name != "opening"], rule)


def test_headcounts_of_firms_change_only_with_their_workers():
    def rule(node: ast.AST) -> Iterator[Finding]:
        if isinstance(node, Function) and is_compiled(node) and node.name != "hire":
            for line, owner, name in changed(node):
                if (owner, name) == ("firms", "heads"):
                    yield line, f"{node.name} changes firms.heads: add_jobs and hire do"

    check(SIM, rule)

"""Rules that a linter does not know, each with the accident that it prevents."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = [path for top in ("services", "shared", "deploy") for path in sorted((ROOT / top).rglob("*.py"))]
SQL_WORDS = ("select ", "insert into ", "update ", "delete from ")


def _trees(*tops: str) -> Iterator[tuple[Path, ast.Module]]:
    for path in PRODUCT:
        if path.relative_to(ROOT).parts[0] in tops:
            yield path, _tree(path)


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _docstrings(tree: ast.Module) -> set[int]:
    owners = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return {id(node.body[0].value) for node in owners if node.body and isinstance(node.body[0], ast.Expr)}


def test_services_write_sql_in_their_stores_only() -> None:
    """A statement that hides in a handler escapes the review of locks and of the office's scope."""
    strays = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in _trees("services")
        if path.name not in ("store.py", "freshness.py") and not {"store", "projections", "rebuild"} & set(path.parts)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value.strip().lower().startswith(SQL_WORDS)
        and (" from " in node.value or " set " in node.value or " values" in node.value)
        and id(node) not in _docstrings(tree)
    ]
    assert strays == []


def test_no_dependency_of_a_route_runs_in_a_thread() -> None:
    """FastAPI runs a plain function in a thread: for handing over a pool that cost a third of a command's time."""
    depended, plain = set(), set()
    for _, tree in _trees("services", "shared"):
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                plain.add(node.name)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Depends":
                depended |= {each.id for each in node.args if isinstance(each, ast.Name)}
    assert depended
    assert depended & plain == set()


def test_nobody_asks_the_wall_clock_inside_a_rule() -> None:
    """A rule that reads the clock cannot be tested at the turn of the year."""
    strays = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in _trees("services")
        if path.name == "domain.py" or "domain" in path.parts
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute | ast.Name)
        and (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id)
        in ("now", "today", "utcnow", "utc_now")
    ]
    assert strays == []


def test_no_task_is_started_and_forgotten() -> None:
    """The loop keeps weak references only: a task that nobody holds may vanish half-way. A TaskGroup holds its own."""
    strays = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path, tree in _trees("services", "shared", "deploy")
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and ast.unparse(node.value.func) in ("asyncio.create_task", "asyncio.ensure_future")
    ]
    assert strays == []


def test_every_subscriber_acknowledges_by_hand() -> None:
    """FastStream's own policies lose records: the default is at most once, others commit past a failure."""
    calls = [
        (path, node)
        for path, tree in _trees("services", "shared")
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "subscriber"
    ]
    assert calls, "there is a subscriber somewhere"
    for path, call in calls:
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        assert given.get("ack_policy") == "AckPolicy.MANUAL", f"{path.relative_to(ROOT)}:{call.lineno}"
        assert given.get("auto_offset_reset") == "'earliest'", f"{path.relative_to(ROOT)}:{call.lineno}"


def test_nothing_is_left_half_done() -> None:
    """What lands is what people get."""
    words = ("TO" + "DO", "FIX" + "ME", "NotImplemented" + "Error", "for" + " now")
    strays = [
        str(path.relative_to(ROOT))
        for path in PRODUCT
        if any(word in path.read_text(encoding="utf-8") for word in words)
    ]
    assert strays == []

"""The docstring under each field of a dataclass: what documents say of a key, the code says."""

import ast
import inspect
import textwrap


def field_docs(cls: type) -> dict[str, str]:
    """Return the docstring of each field by its name, on one line; "" where there is none."""
    (body,) = [
        n
        for n in ast.parse(textwrap.dedent(inspect.getsource(cls))).body
        if isinstance(n, ast.ClassDef)
    ]
    found: dict[str, str] = {}
    name = ""
    for node in body.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            found[name] = ""
        elif name and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found[name] = " ".join(str(node.value.value).split())
            name = ""
        else:
            name = ""
    return found

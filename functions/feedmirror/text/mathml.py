"""MathML: convert formulas to one line of text with the same meaning, `(a+b)/2`, not `a+b2`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct, field

from feedmirror.text.html_tokens import Tag
from feedmirror.text.plain import unescape

_DEEPEST = 60
_SCRIPTS = {
    "msub": "_",
    "msup": "^",
    "munder": "_",
    "mover": "^",
    "msubsup": "_^",
    "munderover": "_^",
}
_TOKENS = frozenset({"mi", "mn", "mo", "ms", "mtext", "ci", "cn"})
# Invisible operators between two operands. Source: MathML 3 §3.2.5.
_INVISIBLE = str.maketrans({"\u2061": "", "\u2062": "·", "\u2063": ",", "\u2064": "+"})


class _Node(Struct):
    name: str
    attributes: dict[str, str]
    children: list[_Node | str] = field(default_factory=list)

    def elements(self) -> list[_Node]:
        return [child for child in self.children if isinstance(child, _Node)]

    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text() for c in self.children)


def formula_text(root: Tag, inside: Sequence[Tag | str]) -> str:
    """Return a formula as text: its TeX annotation, else one line made of its structure.

    `root` is the start tag of the formula, `inside` its content.
    """
    tree = _tree(root, inside)
    if tree is None:
        return _folded("".join(token for token in inside if isinstance(token, str)))
    tex = next((n for n in _descendants(tree) if _is_tex(n)), None)
    annotation = _folded(tex.text()) if tex else ""
    return (
        annotation or " ".join(_linear(tree).split()) or tree.attributes.get("alttext", "").strip()
    )


def _folded(text: str) -> str:
    return " ".join(unescape(text).split())


def _tree(root: Tag, inside: Sequence[Tag | str]) -> _Node | None:
    """Return the tree of a formula; None for a tree that is deeper than any formula."""
    top = _Node("math", root.attributes())
    stack = [top]
    for token in inside:
        if isinstance(token, str):
            stack[-1].children.append(token)
            continue
        name = token.name.rpartition(":")[2]
        if token.is_end:
            if any(node.name == name for node in stack[1:]):
                while stack.pop().name != name:
                    pass
            continue
        node = _Node(name, token.attributes())
        stack[-1].children.append(node)
        if not token.is_self_closing:
            stack.append(node)
            if len(stack) > _DEEPEST:
                return None
    return top


def _descendants(node: _Node) -> Iterator[_Node]:
    yield node
    for child in node.elements():
        yield from _descendants(child)


def _is_tex(node: _Node) -> bool:
    return node.name == "annotation" and "tex" in node.attributes.get("encoding", "").lower()


def _linear(node: _Node) -> str:
    writer = _WRITERS.get(node.name)
    text = writer(node, node.elements()) if writer else None
    return _row(node) if text is None else text


def _scripts(node: _Node, parts: list[_Node]) -> str | None:
    marks = _SCRIPTS[node.name]
    if len(parts) != len(marks) + 1:
        return None
    scripts = zip(marks, parts[1:], strict=True)
    return _grouped(parts[0]) + "".join(mark + _grouped(part) for mark, part in scripts)


def _fraction(_node: _Node, parts: list[_Node]) -> str | None:
    return "/".join(map(_grouped, parts)) if len(parts) == 2 else None


def _root(_node: _Node, parts: list[_Node]) -> str | None:
    return f"{_grouped(parts[0])}^(1/{_grouped(parts[1])})" if len(parts) == 2 else None


def _application(_node: _Node, parts: list[_Node]) -> str | None:
    """Return an operator of Content MathML with its operands: `plus(x, 1)`."""
    if not parts:
        return None
    operator = _linear(parts[0]) or parts[0].name
    return f"{operator}({', '.join(map(_linear, parts[1:]))})"


def _row(node: _Node) -> str:
    """Join the texts of the children; a blank separates two numbers."""
    previous = ""
    pieces: list[str] = []
    for child in node.children:
        if isinstance(child, str):
            piece = " ".join(unescape(child).translate(_INVISIBLE).split())
            if node.name == "mtext" and piece:
                piece = f" {piece} "
        else:
            piece = _linear(child)
        if not piece:
            continue
        if previous[-1:].isdigit() and piece[0].isdigit():
            piece = " " + piece
        pieces.append(piece)
        previous = piece
    return "".join(pieces)


def _grouped(node: _Node) -> str:
    """Return an operand, in brackets unless the operand is a single sign, number or token."""
    text = _linear(node).strip()
    if len(text) <= 1 or text.isdecimal() or (node.name in _TOKENS and " " not in text):
        return text
    return text if text[0] == "(" and text[-1] == ")" and not _is_split(text) else f"({text})"


def _is_split(text: str) -> bool:
    """True for a text like `(a)(b)`, whose outer brackets are no pair."""
    depth = 0
    for index, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if not depth and sign == ")" and index < len(text) - 1:
            return True
    return False


def _fenced(node: _Node, elements: list[_Node]) -> str:
    attributes = node.attributes
    separators = attributes.get("separators", ",").replace(" ", "")
    parts = [_linear(part) for part in elements]
    text = parts[0] if parts else _row(node)
    for index, part in enumerate(parts[1:]):
        text += (separators[min(index, len(separators) - 1)] if separators else "") + part
    return f"{attributes.get('open', '(')}{text}{attributes.get('close', ')')}"


def _multiscripts(_node: _Node, parts: list[_Node]) -> str | None:
    """Return a base with the indices before it and after it. Source: MathML 3 §3.4.7."""
    if not parts:
        return None
    names = [part.name for part in parts]
    middle = names.index("mprescripts") if "mprescripts" in names else len(parts)
    indices = {"behind": "", "before": ""}
    for place, scripts in (("behind", parts[1:middle]), ("before", parts[middle + 1 :])):
        for index, script in enumerate(scripts):
            text = _grouped(script)
            indices[place] += f"{'_^'[index % 2]}{text}" if text else ""
    return indices["before"] + _grouped(parts[0]) + indices["behind"]


_Writer = Callable[[_Node, list[_Node]], str | None]  # None: the children joined
_WRITERS: dict[str, _Writer] = {
    **dict.fromkeys(_SCRIPTS, _scripts),
    **dict.fromkeys(("annotation", "annotation-xml", "mprescripts", "none"), lambda _n, _p: ""),
    **dict.fromkeys(("mphantom", "mspace"), lambda _n, _p: " "),
    **dict.fromkeys(("mtr", "mlabeledtr"), lambda _n, cells: ", ".join(map(_linear, cells))),
    **dict.fromkeys(("maction", "semantics"), lambda _n, p: _linear(p[0]) if p else None),
    "apply": _application,
    "mfenced": _fenced,
    "mfrac": _fraction,
    "mmultiscripts": _multiscripts,
    "mroot": _root,
    "msqrt": lambda node, _p: f"√({_row(node)})",
    "mtable": lambda _n, rows: f"[{'; '.join(map(_linear, rows))}]",
}

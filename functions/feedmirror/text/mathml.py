"""Formulas in MathML as one line of text that means the same: `(a+b)/2`, not `a+b2`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

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
# Characters that are not seen, but divide what stands beside them. Source: MathML 3 §3.2.5.
_UNSEEN = str.maketrans({"\u2061": "", "\u2062": "·", "\u2063": ",", "\u2064": "+"})


@dataclass(slots=True)
class _Node:
    name: str
    attributes: dict[str, str]
    children: list[_Node | str] = field(default_factory=list)

    def elements(self) -> list[_Node]:
        return [child for child in self.children if isinstance(child, _Node)]

    def text(self) -> str:
        return "".join(c if isinstance(c, str) else c.text() for c in self.children)


def formula(root: Tag, inside: Sequence[Tag | str]) -> str:
    """The text of a formula, given its root's tag and what stands in it: the TeX that it is
    annotated with, else one line made of its structure.
    """
    tree = _tree(root, inside)
    if tree is None:
        return _folded("".join(token for token in inside if isinstance(token, str)))
    tex = next((n for n in _all(tree) if _is_tex(n)), None)
    said = _folded(tex.text()) if tex else ""
    return said or " ".join(_linear(tree).split()) or tree.attributes.get("alttext", "").strip()


def _folded(text: str) -> str:
    return " ".join(unescape(text).split())


def _tree(root: Tag, inside: Sequence[Tag | str]) -> _Node | None:
    """Return the formula's tree, None where it is deeper than any formula."""
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
        if not token.is_whole:
            stack.append(node)
            if len(stack) > _DEEPEST:
                return None
    return top


def _all(node: _Node) -> Iterator[_Node]:
    yield node
    for child in node.elements():
        yield from _all(child)


def _is_tex(node: _Node) -> bool:
    return node.name == "annotation" and "tex" in node.attributes.get("encoding", "").lower()


def _linear(node: _Node) -> str:
    writer = _WRITERS.get(node.name)
    made = writer(node, node.elements()) if writer else None
    return _row(node) if made is None else made


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


def _applied(_node: _Node, parts: list[_Node]) -> str | None:
    """An operator of what a formula means: `plus(x, 1)`."""
    if not parts:
        return None
    operator = _linear(parts[0]) or parts[0].name
    return f"{operator}({', '.join(map(_linear, parts[1:]))})"


def _row(node: _Node) -> str:
    """The children side by side; digits that two of them end and begin with stay apart."""
    made = ""
    pieces: list[str] = []
    for child in node.children:
        if isinstance(child, str):
            piece = " ".join(unescape(child).translate(_UNSEEN).split())
            if node.name == "mtext" and piece:
                piece = f" {piece} "
        else:
            piece = _linear(child)
        if not piece:
            continue
        if made[-1:].isdigit() and piece[0].isdigit():
            piece = " " + piece
        pieces.append(piece)
        made = piece
    return "".join(pieces)


def _grouped(node: _Node) -> str:
    """A part of a fraction or an index, in brackets where it is more than one sign or number."""
    text = _linear(node).strip()
    if len(text) <= 1 or text.isdecimal() or (node.name in _TOKENS and " " not in text):
        return text
    return text if text[0] == "(" and text[-1] == ")" and not _is_split(text) else f"({text})"


def _is_split(text: str) -> bool:
    """True for `(a)(b)`, whose outer brackets are no pair."""
    depth = 0
    for index, sign in enumerate(text):
        depth += (sign == "(") - (sign == ")")
        if not depth and sign == ")" and index < len(text) - 1:
            return True
    return False


def _fenced(node: _Node, elements: list[_Node]) -> str:
    said = node.attributes
    separators = said.get("separators", ",").replace(" ", "")
    parts = [_linear(part) for part in elements]
    made = parts[0] if parts else _row(node)
    for index, part in enumerate(parts[1:]):
        made += (separators[min(index, len(separators) - 1)] if separators else "") + part
    return f"{said.get('open', '(')}{made}{said.get('close', ')')}"


def _multiscripts(_node: _Node, parts: list[_Node]) -> str | None:
    """A base with indices in front of it and behind it. Source: MathML 3 §3.4.7."""
    if not parts:
        return None
    names = [part.name for part in parts]
    middle = names.index("mprescripts") if "mprescripts" in names else len(parts)
    made = {"behind": "", "before": ""}
    for place, scripts in (("behind", parts[1:middle]), ("before", parts[middle + 1 :])):
        for index, script in enumerate(scripts):
            text = _grouped(script)
            made[place] += f"{'_^'[index % 2]}{text}" if text else ""
    return made["before"] + _grouped(parts[0]) + made["behind"]


_Writer = Callable[[_Node, list[_Node]], str | None]  # None: its children side by side
_WRITERS: dict[str, _Writer] = {
    **dict.fromkeys(_SCRIPTS, _scripts),
    **dict.fromkeys(("annotation", "annotation-xml", "mprescripts", "none"), lambda _n, _p: ""),
    **dict.fromkeys(("mphantom", "mspace"), lambda _n, _p: " "),
    **dict.fromkeys(("mtr", "mlabeledtr"), lambda _n, cells: ", ".join(map(_linear, cells))),
    **dict.fromkeys(("maction", "semantics"), lambda _n, p: _linear(p[0]) if p else None),
    "apply": _applied,
    "mfenced": _fenced,
    "mfrac": _fraction,
    "mmultiscripts": _multiscripts,
    "mroot": _root,
    "msqrt": lambda node, _p: f"√({_row(node)})",
    "mtable": lambda _n, rows: f"[{'; '.join(map(_linear, rows))}]",
}

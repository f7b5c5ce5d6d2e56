"""A cell as a drawing: its nodes in a row, its edges as arcs that are coloured and named by their operation."""

from __future__ import annotations

from markupsafe import Markup

from surrogate_nas.errors import SettingError
from surrogate_nas.space import CellSpace, Population

GAP, RADIUS, MARGIN = 140, 16, 30  # between two nodes, of a node, around the row of nodes; in the drawing's own units
ARC, ARC_STEP = 92, 66  # height of the control points of an arc over two gaps, and what each further gap adds

# What the operations of NAS-Bench-201 are called where space is short.
OPERATION_NAMES = {
    "nor_conv_3x3": "conv 3×3",  # noqa: RUF001 (a multiplication sign, not an x)
    "nor_conv_1x1": "conv 1×1",  # noqa: RUF001
    "avg_pool_3x3": "pool 3×3",  # noqa: RUF001
    "skip_connect": "skip",
}

_DRAWING = Markup(
    '<svg class="cell{size}" viewBox="0 {top:.0f} {width:.0f} {height:.0f}" role="img">'
    "<title>{title}</title>{edges}{nodes}</svg>"
)
_EDGE = Markup('<path class="edge {operation}{state}" d="{path}"/>')
_LABEL = Markup('<text class="operation{state}" x="{x:.0f}" y="{y:.0f}">{name}</text>')
_NODE = Markup('<circle class="node" cx="{x}" cy="0" r="{radius}"/>')
_NAMED_NODE = _NODE + Markup('<text class="node" x="{x}" y="0">{name}</text>')


def cell_svg(architecture: Population, *, labelled: bool = True) -> str:
    """Return an SVG drawing of one cell, as markup that a template inserts as it is.

    Edges that cannot influence the output are faint, zeros are not drawn. Colours come from the page: an edge has the
    name of its operation as a class.

    Args:
        architecture: a Population of one.
        labelled: name nodes and operations; without, the drawing can be as small as a line of text.

    Raises:
        SettingError: the space of the architecture is not one of cells.
    """
    space = architecture.space
    if not isinstance(space, CellSpace):
        raise SettingError(f"only cells can be drawn, got an architecture of space {space.name!r}.")
    live = space.live(architecture)[0]
    drawn = [
        (source, target, operation, "" if alive else " dead")
        for (source, target, operation), alive in zip(space.labelled_edges(architecture), live, strict=True)
        if operation != space.zero
    ]
    edges = [_EDGE.format(operation=operation, state=state, path=_path(*ends)) for *ends, operation, state in drawn]
    labels = [_label(source, target, operation, state) for source, target, operation, state in drawn if labelled]
    above, below = _height(0, space.nodes - 1), _height(1, space.nodes - 1)
    return _DRAWING.format(
        size="" if labelled else " small",
        title=architecture.text,
        top=above - MARGIN,
        width=_x(space.nodes - 1) + MARGIN,
        height=below - above + 2 * MARGIN,
        edges=Markup("").join(edges + labels),
        nodes=Markup("").join(_node(node, space.nodes, labelled) for node in range(space.nodes)),
    )


def drawing(architecture: Population, *, labelled: bool = True) -> str | None:
    """Return the drawing of a cell; None for an architecture of a space that has none."""
    return cell_svg(architecture, labelled=labelled) if isinstance(architecture.space, CellSpace) else None


def _x(node: int) -> int:
    return MARGIN + GAP * node


def _height(source: int, target: int) -> float:
    """Return the y of the middle of an edge: edges from the input arch over the row of nodes, others hang below it."""
    control = 0 if target - source < 2 else ARC + ARC_STEP * (target - source - 2)
    return 0.75 * (-control if source == 0 else control)  # of a cubic curve whose inner control points have that height


def _path(source: int, target: int) -> str:
    start, end, control = _x(source), _x(target), _height(source, target) / 0.75
    if control == 0:
        return f"M{start} 0H{end}"
    inset = (end - start) / 5
    return f"M{start} 0C{start + inset:.0f} {control:.0f} {end - inset:.0f} {control:.0f} {end} 0"


def _label(source: int, target: int, operation: str, state: str) -> Markup:
    x, y = (_x(source) + _x(target)) / 2, _height(source, target)
    return _LABEL.format(state=state, x=x, y=y, name=OPERATION_NAMES.get(operation, operation))


def _node(node: int, nodes: int, labelled: bool) -> Markup:
    name = {0: "in", nodes - 1: "out"}.get(node, str(node))
    return (_NAMED_NODE if labelled else _NODE).format(x=_x(node), radius=RADIUS, name=name)

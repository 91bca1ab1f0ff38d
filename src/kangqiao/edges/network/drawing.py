"""Where the boxes and curves of the network are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from kangqiao.domain.agreements.models import Agreement
from kangqiao.domain.agreements.queries import Network
from kangqiao.domain.institutions.models import Organization

ROW_HEIGHT, GROUP_GAP = 34, 12
LEFT_EDGE, RIGHT_EDGE, HOSPITAL_WIDTH, CENTRE_WIDTH = 8, 530, 350, 260


@dataclass(frozen=True, slots=True)
class Node:
    """A box of the drawn network, by its left edge, middle line and width, in units of the drawing."""

    x: int
    y: int
    width: int
    of: Organization
    note: str
    url_pk: int = 0

    @property
    def top(self) -> int:
        """The upper edge of the box."""
        return self.y - 14

    @property
    def base(self) -> int:
        """The line the words stand on."""
        return self.y + 5

    @property
    def text_x(self) -> int:
        """Where the name begins."""
        return self.x + 10

    @property
    def note_x(self) -> int:
        """Where the note ends."""
        return self.x + self.width - 8


@dataclass(frozen=True, slots=True)
class Line:
    """A drawn relation: from the right edge of a hospital to the left edge of its centre."""

    x1: int
    y1: int
    x2: int
    y2: int
    kind: str

    @property
    def middle(self) -> int:
        """Where the curve turns."""
        return (self.x1 + self.x2) // 2


@dataclass(frozen=True, slots=True)
class Drawing:
    """The network as boxes and curves; hospitals left, centres right."""

    height: int
    hospitals: list[Node]
    centres: list[Node]
    lines: list[Line]


def drawing(found: Network) -> Drawing:
    """Where to draw a network: every hospital in the middle of its centres."""
    hospitals: list[Node] = []
    centres: list[Node] = []
    lines: list[Line] = []
    top = 10
    for node in found.hospitals:
        middle = top + ROW_HEIGHT * len(node.relations) // 2
        hospitals.append(
            Node(LEFT_EDGE, middle, HOSPITAL_WIDTH, node.hospital, str(len(node.relations)), node.hospital.pk)
        )
        for place, relation in enumerate(node.relations):
            y = top + ROW_HEIGHT * place + ROW_HEIGHT // 2
            centres.append(Node(RIGHT_EDGE, y, CENTRE_WIDTH, relation.centre, relation.centre.place.zh, relation.pk))
            label = str(Agreement.Kind(relation.kind).label)
            lines.append(Line(LEFT_EDGE + HOSPITAL_WIDTH, middle, RIGHT_EDGE, y, label))
        top += ROW_HEIGHT * len(node.relations) + GROUP_GAP
    return Drawing(top, hospitals, centres, lines)

"""What is not as the code under test has declared it to be, for `detect` to judge and to tell.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, TypeAlias, final

import attrs

if TYPE_CHECKING:
    from trioflow.race.clocks.places import Place
    from trioflow.race.model.sites import Site
    from trioflow.race.shadow.identity import ObjectShadow
    from trioflow.race.shadow.variables import Access, Variable


@final
@attrs.frozen(eq=False)
class BrokenUnit:
    """A critical block, and what somebody else may do in the midst of it.

    The other side's first access comes after the block's first, its last before the block's last.
    """

    name: str
    entered: Place | None
    first_variable: Variable
    first: Access
    other_first: Access
    other_last: Access
    last_variable: Variable
    last: Access

    @property
    def happened(self) -> bool:
        """Whether it came to that in this run."""
        first, other_first = self.first.moment.serial, self.other_first.moment.serial
        return first < other_first and self.other_last.moment.serial < self.last.moment.serial


@final
@attrs.frozen(eq=False)
class UnguardedAccess:
    """An access without the lock that was declared to be needed."""

    shadow: ObjectShadow
    where: Hashable
    variable: str
    lock: str
    access: Access


@final
@attrs.frozen(eq=False)
class WrongDeclaration:
    """An annotation that can't be meant as it is, met at an access."""

    variable: str
    text: str
    site: Site
    access: Access


Breach: TypeAlias = BrokenUnit | UnguardedAccess | WrongDeclaration

"""The names of one request, read as training reads a header: each once, and a bounded number of them."""

from collections.abc import Iterable
from typing import Any

from skylift.contract import Contract

_MAX_MORE = 100


class Spellings:
    """Finds names of one request that stand for others.

    A request spells a name the same in each instance, so what is read once holds for all of them. More
    than the contract has, and a hundred, belong to a body that is refused: the rest stand for themselves.

    Parameters
    ----------
    contract
        Contract of the model.

    Attributes
    ----------
    most
        How many names are read, beside those of the contract.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._known = contract.spellings
        self._others = {sent: name for sent, name in contract.spellings.items() if sent != name}
        self._read: set[str] = set()
        self.most = len(contract.spellings) + _MAX_MORE

    def read(self, names: Iterable[str]) -> None:
        """Find what names stand for."""
        if len(self._read) == self.most:
            return
        for name in names:
            if name not in self._known and name not in self._read:
                self._read.add(name)
                if (known := self._contract.known_name(name)) is not None:
                    self._others[name] = known
                if len(self._read) == self.most:
                    return

    def renamed(self, instance: dict[str, Any]) -> dict[str, Any]:
        """An instance with the names of the contract in place of others, whose names were read; itself without any."""
        others = [name for name in instance if name in self._others] if self._others else ()
        if not others:
            return instance
        renamed = instance if len(instance) > self.most else instance.copy()  # a copy of far more would take memory
        for sent in others:
            if (name := self._others[sent]) not in renamed:
                renamed[name] = renamed.pop(sent)
        return renamed

    def all_renamed(self, instances: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Several instances as `renamed` returns them."""
        return [*map(self.renamed, instances)] if self._others else instances

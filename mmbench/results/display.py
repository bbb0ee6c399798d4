"""Results that print as their tables, and show as HTML in a notebook."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Renderer:
    """Makes the ``text`` and the ``html`` of a result; both are above the rooms in which results are defined."""

    text: Callable[[object], str]
    html: Callable[[object], str]


_renderers: list[Renderer] = []


def use_renderer(renderer: Renderer) -> None:
    """Let results be shown by ``renderer``: the package sets it once, when it is imported."""
    _renderers[:] = [renderer]


class Displayed:
    """A result: ``print`` shows what the command of the shell prints, a notebook the same as HTML."""

    @property
    def summary(self) -> str:
        """The result in one line."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary}>"

    def __str__(self) -> str:
        return _renderers[0].text(self)

    def _repr_html_(self) -> str:
        """The result as HTML, for a notebook."""
        return _renderers[0].html(self)

"""The press of one process: page after page with its own renderer and sealer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from certsvc.errors import CertsvcError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from certsvc.commands.page_ports import PageJob, Renderer, SealTask
    from certsvc.commands.ports import Sealer
    from certsvc.seal.prepared import PreparedPdf


class OwnPress:
    """Implements ``ports.Press`` with what this process has loaded."""

    def __init__(self, renderer: Renderer, sealer: Sealer) -> None:
        """Draw with ``renderer`` and seal with ``sealer``."""
        self._renderer = renderer
        self._sealer = sealer

    def draw(self, jobs: Sequence[PageJob]) -> list[PreparedPdf | CertsvcError]:
        """The pages, one after the other."""
        return [self._drawn(job) for job in jobs]

    def seal(self, tasks: Sequence[SealTask]) -> list[bytes | CertsvcError]:
        """The sealed files, one after the other."""
        return [self._sealed(task) for task in tasks]

    def _drawn(self, job: PageJob) -> PreparedPdf | CertsvcError:
        try:
            return self._renderer.render(job)
        except CertsvcError as error:
            return error

    def _sealed(self, task: SealTask) -> bytes | CertsvcError:
        try:
            return self._sealer.seal(task.prepared, task.seal, task.format, signed_at=task.signed_at)
        except CertsvcError as error:
            return error

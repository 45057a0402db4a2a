"""What a user of `aisle simulate` can mend."""

from __future__ import annotations


def told_errors() -> tuple[type[Exception], ...]:
    """The errors that are told in one line rather than with a traceback."""
    from api.simulate.live import LiveError
    from api.simulate.options import OptionError
    from api.simulate.rtsp import RtspError
    from datasets.manifest import ManifestError
    from datasets.simulation.filming.dataset import DatasetError
    from datasets.simulation.render.gl import RendererError
    from datasets.simulation.scenario import ScenarioError
    from store.plan import PlanError

    return DatasetError, LiveError, ManifestError, OptionError, PlanError, RendererError, RtspError, ScenarioError

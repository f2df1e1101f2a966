"""By how many frames a dream answers later than the game does."""

from __future__ import annotations

import numpy as np

from evals.metrics.counterfactual import contrast, strength
from worldsim.core.types import Frames

FAINTEST = 0.1  # of the real difference; branches that differ less have not parted


def latency_frames(dream_a: Frames, dream_b: Frames, real_a: Frames, real_b: Frames) -> int:
    """The delay at which the growing apart of two dreams (H, h, w, 3) fits that of the real branches best; 0 is right.

    Of the strengths of the differences, frame by frame, up to a factor: pale dreams are not late. Whether they part the
    right way is not asked, because what comes late is seen from elsewhere and does not look the same. H where they
    never part, which is as late as can be seen.
    """
    dream, real = strength(contrast(dream_a, dream_b)), strength(contrast(real_a, real_b))
    horizon, best = len(real), (float("inf"), len(real))
    for delay in range(horizon):
        late = np.concatenate([np.zeros(delay), real[: horizon - delay]])
        scale = float(dream @ late) / max(float(late @ late), 1e-12)
        if scale >= FAINTEST:
            best = min(best, (float(((dream - scale * late) ** 2).sum()), delay))
    return best[1]

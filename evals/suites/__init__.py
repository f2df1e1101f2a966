"""The suites by name."""

from __future__ import annotations

from worldsim.core.registry import Registry

SUITES = Registry("suite", takes_own=True)
SUITES.add(
    "control",
    "evals.suites.control:ControlSuite",
    "does the dream do what the action says? pairs of actions from one moment",
    primary="action_swap_2afc",
)
SUITES.add(
    "drift",
    "evals.suites.drift:DriftSuite",
    "how long does an open-loop dream stay with the game?",
    primary="drift_horizon_frames",
)
SUITES.add(
    "text",
    "evals.suites.text:TextSuite",
    "does the dream do what the prompt says? pairs of prompts with the same noise",
    primary="prompt_swap_2afc",
)
SUITES.add(
    "physics",
    "evals.suites.physics:PhysicsSuite",
    "do bodies fall, hit, topple, break and pour as real ones do? against forecasts without physics",
    primary="trajectory_skill",
)
SUITES.add(
    "permanence",
    "evals.suites.permanence:PermanenceSuite",
    "is what was out of sight still there, and still what it was? against a world in which it never was",
    primary="permanence",
)
SUITES.add(
    "video",
    "evals.suites.video:VideoSuite",
    "the familiar numbers (PSNR, SSIM, LPIPS, FVD), to compare with other papers; no capability",
    primary="psnr_gain",
)
SUITES.add(
    "interaction",
    "evals.suites.interaction:InteractionSuite",
    "does what was done to the world last? placed, broken, painted, bitten, opened: against nothing being done",
    primary="persistence",
)
SUITES.add(
    "geometry",
    "evals.suites.geometry:GeometrySuite",
    "does the dream hold together as a place in space? matches and reconstruction under the commanded cameras",
    primary="commanded_fraction@2",
)

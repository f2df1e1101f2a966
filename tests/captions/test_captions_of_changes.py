"""What captions tell of doors, cakes, switches, lamps, canvases and creatures is what the game says happened."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import gymnasium
import pytest

import worldsim  # noqa: F401  (registers the games)
from envs.voxel import kinds, state
from worldsim.captions.clip import places, read_clips
from worldsim.captions.state import StateCaptioner, StateConfig
from worldsim.data.collect import collect

STEPS = 62
SAID = re.compile(r"\b(opens|closes|bites|finishes|paints on|flips|switches on|switches off|hits|defeats)\b")


@pytest.fixture(scope="module")
def played(tmp_path_factory):
    """The recorded table of an episode with each thing, and for each the steps at which the game says what was done."""
    patch = pytest.MonkeyPatch()
    patch.syspath_prepend(str(Path(__file__).parent))  # for this process and the collecting one
    from gallery_player import TARGETS, Toucher

    table = collect(
        "voxel/gallery", "gallery_player:Toucher", len(TARGETS), tmp_path_factory.mktemp("gallery") / "table.lance",
        seed=2, workers=1, truth=True, max_steps=STEPS, progress=lambda line: None,
    )  # fmt: skip
    patch.undo()
    return table, [_told_by_the_game(table, Toucher, episode) for episode in range(len(TARGETS))]


def _told_by_the_game(table, player, episode):
    """What the game's own list of events says of each step of the episode, played again."""
    env = gymnasium.make(table.env_id).unwrapped
    recorded = table.read_episode(episode)
    env.reset(seed=recorded.seed)
    script = player(env)
    script.begin(episode)
    done = []
    for action in recorded.actions[: len(recorded.frames) - 1]:
        lamps = env.blocks == kinds.LAMP_ON
        seen = {one.id for one in env.ground_truth().objects if one.visible_pixels > 10}
        env.step(table.codec.decode(action))
        step = []
        for what, *_, value in env.world.events[: env.counters[state.EVENT_COUNT]].tolist():
            step += {
                state.OPENED: ["opens" if value else "closes"],
                state.BITTEN: ["bites" if value else "finishes"],
                state.PAINTED: ["paints on"],
                state.SWITCHED: ["flips"],
                state.HIT: ["hits"] if value else [],
                state.KILLED: ["defeats"],
            }.get(what, [])
        changed = lamps != (env.blocks == kinds.LAMP_ON)
        if changed.any() and seen & set(env.ids[changed].tolist()):
            step.append("switches off" if lamps[changed].any() else "switches on")
        done.append(step)
    env.close()
    return done


def test_what_is_done_to_things_is_told_when_it_is_done(played):
    table, done = played
    writer = StateCaptioner()
    heard = Counter()
    for clip in read_clips(table, places(table, [10, 0], 5)):
        steps = done[clip.place.episode][clip.place.start : clip.place.start + len(clip) - 1]
        wanted = {verb for step in steps for verb in step}
        dense = writer.caption(clip)[0]
        said = set(SAID.findall(dense))
        # A creature that is against a wall when it is hit is not thrown back, and nothing is said of it.
        assert wanted - {"hits"} <= said <= wanted, f"{dense!r}: {steps}"
        ends = [{one.cls for one in clip.truth[t].objects if one.visible_pixels and "door" in one.cls} for t in (0, -1)]
        if "opens" in wanted and clip.place.episode == 0 and ends[1]:
            assert "door is out of view" not in dense  # it is open now
        heard.update(said)
    every = SAID.pattern.removeprefix(r"\b(").removesuffix(r")\b").split("|")
    assert set(heard) == set(every)
    assert min(heard.values()) >= 2, heard


def test_bites_are_counted_and_the_table_shows_how_many_are_left(played):
    table, done = played
    [clip] = read_clips(table, [place for place in places(table, [0], STEPS) if place.episode == 1])
    assert [verb for step in done[1] for verb in step] == ["bites"] * 6 + ["finishes"]
    number = next(one.id for one in clip.truth[30].objects if one.cls.startswith("bitten"))
    classes = [one.cls for truth in clip.truth for one in truth.objects if one.id == number and one.alive]
    assert list(dict.fromkeys(classes)) == ["cake", *(f"bitten_cake_{left}" for left in range(6, 0, -1))]
    texts = [StateCaptioner(StateConfig(seed=seed)).caption(clip)[0] for seed in range(8)]
    assert all("bites a cake" in text and "finishes a cake" in text for text in texts), texts
    assert any("bites a cake six times" in text for text in texts), texts

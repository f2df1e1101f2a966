"""Every statement of every caption of real episodes against what the game itself says happened.

The words are read back from the text, and compared with the buttons, the rewards, and a replay of the episode in the
real game (its instance ids and its body), not with what the captions were made from.
"""

from __future__ import annotations

import re

import gymnasium
import numpy as np
import pytest

import worldsim  # noqa: F401  (registers the games)
from worldsim.captions.clip import places, read_clips
from worldsim.captions.state import StateCaptioner, StateConfig
from worldsim.captions.words import NUMBERS

COUNTS = {**{word: i for i, word in enumerate(NUMBERS)}, "a": 1, "an": 1, "the": 1}
COLOURS = "orange|purple|cyan|magenta|lime|black|red|blue|white"
SHAPES = "pillar|cube|platform|low wall|block"
THING = rf"(?:(?:{COLOURS}) (?:{SHAPES})s?|gems?|beacon)"
TURN = re.compile(r"\b(?:turn|rotat)(?:e|s|es|ing) (left|right)(?: about (\d+) degrees)?")
LOOK = re.compile(r"\blook(?:s|ing)? (up|down)(?: about (\d+) degrees)?")
WALK = re.compile(
    r"\b(?:walk|mov|go|run|sprint|sneak|strafe|strafing|sidestep)\w*"
    r" (forward|backward|left|right)(?: and (left|right))?(?: (half a|about \d+) meters?)?"
)


class Replay:
    """One recorded episode played again in the real game: what was where in each frame's picture, and the body."""

    def __init__(self, table, episode: int):
        recorded = table.read_episode(episode)
        env = gymnasium.make(table.env_id).unwrapped
        frame, _ = env.reset(seed=recorded.seed)
        self.codec, self.actions, self.rewards = table.codec, recorded.actions, recorded.rewards
        self.ids, self.classes, self.alive, self.poses, self.cameras = [], [], [], [], []
        for t in range(len(recorded.frames)):
            assert np.array_equal(frame, recorded.frames[t])
            truth = env.ground_truth()
            self.ids.append(truth.instance_ids.copy())
            self.classes.append({one.id: one.cls for one in truth.objects})
            self.alive.append({one.id for one in truth.objects if one.alive})
            self.cameras.append(truth.camera)
            if t < len(recorded.actions):
                frame, *_ = env.step(table.codec.decode(recorded.actions[t]))
        env.close()

    def column(self, name: str):
        return self.actions[:, self.codec.index(name)].astype(float)


def noun(cls: str) -> str:
    """The arena's class names in English, written down here again: red_slab_wall is a red low wall."""
    cls = re.sub(r"placed_(\w+)", r"\1_block", cls)
    return cls.replace("slab_wall", "low_wall").replace("_", " ")


def singular(text: str) -> str:
    return text.removesuffix("s")


@pytest.fixture(scope="module")
def captioned(voxel_table):
    """(clip, its four captions, the replayed episode) of clips of all lengths."""
    replays = {i: Replay(voxel_table, i) for i in range(len(voxel_table))}
    writers = [StateCaptioner(StateConfig(seed=seed)) for seed in range(3)]
    wanted = places(voxel_table, [2, 24, 0], 12)
    return [
        (clip, writer.caption(clip), replays[clip.place.episode])
        for clip in read_clips(voxel_table, wanted)
        for writer in writers
    ]


def sweeps(values, sign: float) -> float:
    """The most that a curve goes up (sign 1) or down (-1) between any two of its points."""
    values = sign * np.asarray(values)
    return float((values - np.minimum.accumulate(values)).max())


def spans(values, amount: float, within: float) -> bool:
    """Whether two points of a curve, one after the other, differ by ``amount``."""
    differences = values[None, :] - values[:, None]
    return bool((np.abs(np.triu(differences, 1) - amount) <= within).any())


def test_turns_and_looks(captioned):
    checked = 0
    for clip, texts, replay in captioned:
        steps = slice(clip.place.start, clip.place.start + len(clip) - 1)
        yaw = np.concatenate([[0], np.cumsum(replay.column("camera_yaw_right_deg")[steps])])
        forward = np.stack([c.T_world_camera[:3, 2] for c in replay.cameras])[clip.place.start :][: len(clip)]
        pitch_up = np.degrees(np.arcsin(forward[:, 1]))
        for text in texts:
            for pattern, curve, plus in ((TURN, yaw, "right"), (LOOK, pitch_up, "up")):
                for way, degrees in pattern.findall(text):
                    sign = 1 if way == plus else -1
                    assert sweeps(curve, sign) >= 8, f"{text!r}: {curve}"
                    assert not degrees or spans(curve, sign * float(degrees), 5.01), f"{text!r}: {curve}"
                    checked += 1
    assert checked > 300


def test_walks(captioned):
    checked = 0
    for clip, texts, replay in captioned:
        poses = [c.T_world_camera for c in replay.cameras[clip.place.start :][: len(clip)]]
        step = np.diff([pose[:3, 3] for pose in poses], axis=0)
        # The heading of the step's middle, from the buttons' own turn.
        right = np.stack([pose[:3, 0] for pose in poses])
        right = right[1:] + right[:-1]
        right /= np.linalg.norm(right, axis=1, keepdims=True)
        ahead = np.cross([0.0, 1.0, 0.0], right)
        path = {
            "forward": np.concatenate([[0], np.cumsum((step * ahead).sum(1))]),
            "right": np.concatenate([[0], np.cumsum((step * right).sum(1))]),
        }
        for text in texts:
            for way, aside, metres in WALK.findall(text):
                for one in filter(None, (way, aside)):
                    curve = path["forward" if one in ("forward", "backward") else "right"]
                    least = 0.35 if not aside else 0.1
                    assert sweeps(curve, 1 if one in ("forward", "right") else -1) >= least, f"{text!r}: {curve}"
                if metres and not aside:
                    amount = 0.6 if metres == "half a" else float(metres.removeprefix("about "))
                    curve = path["forward" if way in ("forward", "backward") else "right"]
                    sign = 1 if way in ("forward", "right") else -1
                    assert spans(curve, sign * amount, 0.76), f"{text!r}: {curve}"
                checked += 1
    assert checked > 300


def test_broken_and_placed(captioned):
    broken_seen = placed_seen = 0
    for clip, texts, replay in captioned:
        first, last = clip.place.start, clip.place.start + len(clip) - 1
        broken = [
            noun(replay.classes[t][one]) for t in range(first, last) for one in replay.alive[t] - replay.alive[t + 1]
        ]
        placed = [
            noun(replay.classes[t + 1][one])
            for t in range(first, last)
            for one in replay.alive[t + 1] - replay.alive[t]
        ]
        for style, text in zip(("dense", "short", "command", "tags"), texts, strict=True):
            for words, done in (
                (r"break|breaks|destroy|destroys", broken),
                (r"place|places|put down|puts down", placed),
            ):
                said: dict[str, int] = {}
                for count, thing in re.findall(rf"\b(?:{words}) (\w+ )?({THING})", text):
                    many = COUNTS[count.strip()] if count else 1
                    name = thing if many == 1 else singular(thing)
                    said[name] = said.get(name, 0) + many
                for name, many in said.items():
                    assert many <= done.count(name), f"{text!r}: {done}"
                if style == "dense" and len(clip) <= 24:  # nothing of it is left out there
                    assert said == {name: done.count(name) for name in set(done)}, f"{text!r}: {done}"
        broken_seen, placed_seen = broken_seen + len(broken), placed_seen + len(placed)
    assert broken_seen > 10 and placed_seen > 10


def test_things_named_are_in_view(captioned):
    """What is named can be seen in the clip, "at the end" in its last frame, and "on the left" is where it is."""
    places_checked = 0
    for clip, texts, replay in captioned:
        first, last = clip.place.start, clip.place.start + len(clip) - 1
        shown = [{noun(replay.classes[t][i]) for i in np.unique(replay.ids[t]) if i} for t in range(first, last + 1)]
        touched = {noun(replay.classes[last][i]) for i in replay.alive[first] ^ replay.alive[last]}
        touched |= {noun(cls) for cls in replay.classes[last].values() if cls.startswith("placed")}
        for text in texts:
            for thing in re.findall(rf"\b{THING}", text):
                names = {thing, singular(thing)}
                assert names & (set().union(*shown) | touched), f"{text!r}: {thing} is never seen"
        end = re.search(
            r"(?:[Aa]t the end|in the last frame there (?:is|are)) (.*?)(?: (?:is|are) in view)?\.", texts[0], re.I
        )
        if end:
            for thing in re.findall(rf"\b{THING}", end[1]):
                assert {thing, singular(thing)} & shown[-1], f"{texts[0]!r}: {thing} is not in the last frame"
                assert not {thing, singular(thing)} & shown[0], f"{texts[0]!r}: {thing} was in the first frame"
        opening = texts[0].split(". ")[0]
        reach = " close by| nearby| far away| in the distance"
        side_words = "on the left|in the middle|on the right"
        for thing, side in re.findall(rf"\b({THING})(?:{reach})?(?: ({side_words}))?", opening):
            found = [
                i
                for i in np.unique(replay.ids[first])
                if i and noun(replay.classes[first][i]) in {thing, singular(thing)}
            ]
            if side:
                columns = [np.nonzero(replay.ids[first] == i)[1].mean() / clip.frame_shape[1] for i in found]
                lo, hi = {"on the left": (0, 0.45), "in the middle": (0.33, 0.67), "on the right": (0.55, 1)}[side]
                assert any(lo <= column <= hi for column in columns), f"{opening!r}: {thing} {columns}"
                places_checked += 1
    assert places_checked > 30


def test_headings_rewards_and_ends(captioned):
    headings = rewards = 0
    for clip, texts, replay in captioned:
        x, _, z = replay.cameras[clip.place.start].T_world_camera[:3, 2]
        for way in re.findall(r"facing (\w+)", " ".join(texts)):
            toward = {"north": -z, "south": z, "east": x, "west": -x}[way]
            assert toward >= 0.9 * np.hypot(x, z)
            headings += 1
        got = replay.rewards[clip.place.start : clip.place.start + len(clip) - 1]
        for text in texts:
            assert ("reward" in text) <= bool((got > 0).any()), text
            assert ("beacon" in re.findall(r"reach(?:es)? the (\w+)", text)) <= bool((got >= 1).any()), text
            rewards += "reward" in text
        assert "earn" in texts[0] or not (got > 0).any()
    assert headings > 5 and rewards > 5


def test_same_seed_same_words_and_another_seed_others(voxel_table):
    clips = list(read_clips(voxel_table, places(voxel_table, [24], 24)))
    once, again, other = (
        [StateCaptioner(StateConfig(seed=seed)).caption(clip) for clip in clips] for seed in (0, 0, 1)
    )
    assert once == again
    assert sum(a != b for a, b in zip(once, other, strict=True)) > 0.8 * len(clips)


def test_varied_dense_and_of_a_small_vocabulary(captioned):
    texts = [text for _, four, _ in captioned for text in four]
    words = {word for text in texts for word in re.findall(r"[a-z]+", text.lower())}
    assert 80 < len(words) < 250, sorted(words)
    dense = [four[0] for clip, four, _ in captioned if len(clip) >= 24]
    assert np.median([len(text.split()) for text in dense]) > 40
    assert len(set(dense)) > 0.95 * len(dense)
    assert all("  " not in text and " ." not in text and " ," not in text for text in texts)
    commands = [four[2] for _, four, _ in captioned]
    assert any(
        re.fullmatch(r"(?:turn|rotate) (left|right).*(?:break|destroy) (?:the|a|\w+) .*", one) for one in commands
    )

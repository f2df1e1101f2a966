"""Pairs of futures from one snapshot, with and without one interaction: alike to the bit outside of what it can reach.

What it can reach is said strictly: cells, strokes and entities that differ, and in the picture the pixels that see one
of them in either future. An entity may differ only when it is what was acted on, came out of it, or touched a changed
cell; a player likewise. Without: the same action, and "undo" of what it did to the world.
"""

import itertools

import numpy as np
import pytest

from envs.voxel import kinds, state

STEPS = 40


def actions(seed):
    """Looking about and walking a little, the same in both futures."""
    rng = np.random.default_rng(seed)
    for _ in range(STEPS // 5):
        held = {name: float(rng.random() < 0.25) for name in ("forward", "back", "left", "right", "jump")}
        yield from [{"yaw": rng.normal() * 5, "pitch": rng.normal(), **held}] * 5


# One function for each interaction: bring the player there, and return the action and the event to expect, or None.


def place(game, rng):
    x, z = game.env.body[[0, 2]]
    game.stand(float(x), float(z), float(rng.uniform(-180, 180)), 42.0, empty=False)
    return {"use": 1, f"hotbar.{rng.integers(1, 4)}": 1}, "placed"


def break_block(game, rng):
    return ({"attack": 1}, "broken") if _face(game, rng, "_pedestal", "red_block") else None


def paint(game, rng):
    return ({"use": 1}, "painted") if _face(game, rng, "canvas") else None


def bite(game, rng):
    return ({"use": 1}, "bitten") if _face(game, rng, "cake") else None


def door(game, rng):
    return ({"use": 1}, "opened") if _face(game, rng, "door") else None


def switch(game, rng):
    return ({"use": 1}, "switched") if _face(game, rng, "switch") else None


def hit(game, rng):
    return ({"attack": 1}, "hit") if _face(game, rng, "sheep", "pig", "slime") else None


def pick_up(game, rng):
    """Running backwards out of reach of an item: it is picked up in this step or never."""
    item = int(rng.choice(game.find("gem_item")))
    x, _, z = game.object(item).position_m
    for yaw, ax, az in ((0.0, 0, -1), (90.0, 1, 0), (180.0, 0, 1), (-90.0, -1, 0)):
        cells = [(int(x + far * ax), int(z + far * az)) for far in (0.6, 1.2, 2.0)]
        if all(not game.env.blocks[i, 2:4, k].any() for i, k in cells):
            game.stand(x + 0.6 * ax, z + 0.6 * az, yaw, 30.0, empty=False)
            game.env.body[[state.VX, state.VZ]] = 0.215 * ax, 0.215 * az
            return {"back": 1}, "picked_up"
    return None


def _face(game, rng, *classes):
    numbers = [o.id for o in game.env.ground_truth().objects if o.cls.endswith(classes)]
    return any(game.face(int(n)) for n in rng.permutation(numbers))


INTERACTIONS = {
    f.__name__: f for f in (place, break_block, paint, bite, door, switch, hit, pick_up)
}  # fmt: skip


def compare(play_at, name, seed, **kwargs):
    """Check one pair; returns how many frames were compared and in how many pixels they differed, or None."""
    rng = np.random.default_rng(seed)
    game = play_at(48, 48, map="gallery", seed=seed, **kwargs)
    made = INTERACTIONS[name](game, rng)
    if made is None:
        return None
    action, event = made
    snapshot = game.env.get_state()
    steps = [{"back": 1}] * 2 if name == "pick_up" else []
    steps += list(actions(seed))

    def future(undone):
        game.env.set_state(snapshot)
        frame = game.act(**action)[0]
        happened = game.events()
        if undone:
            frame = game.env.intervene("undo")
        for step in [None, *steps]:
            if step is not None:
                frame = game.act(**step)[0]
            yield frame, game.env.ground_truth(), game.env.get_state(), happened

    reach = Reach(game, snapshot)
    frames = pixels = 0
    for with_it, without in zip(list(future(False)), list(future(True)), strict=True):
        if event not in with_it[3]:
            return None  # something was in the way of the hand
        if not reach.grow(with_it[2], without[2]):
            break  # the player ran into it: from here on both see other places
        pixels += reach.check(with_it, without)
        frames += 1
    return frames, pixels


class Reach:
    """What differs between two futures so far, and whether it could."""

    def __init__(self, game, snapshot):
        self.hud, self.world_points = game.env.hud_mask(), game.world_points
        self.cells = np.zeros(snapshot["blocks"].shape, bool)
        self.targets = None

    def grow(self, a, b):
        """Take in a further moment; False where the player himself was reached."""
        changed = (a["blocks"] != b["blocks"]) | (a["ids"] != b["ids"])
        for cell in a["canvas_cells"][(a["paint"] != b["paint"]).any((1, 2))]:
            changed[np.unravel_index(cell, changed.shape)] = True
        self.cells |= changed
        rows, others = (_by_id(snapshot["entities"]) for snapshot in (a, b))
        self.entities = {n for n in rows.keys() | others.keys() if not np.array_equal(rows.get(n), others.get(n))}
        if self.targets is None:  # what differs after the act itself: whatever was acted on or came out of it
            self.targets = set(self.entities)
            assert len(self.targets) <= 2
            assert self.cells.sum() <= 5
        for number in self.entities - self.targets:
            spots = [row[:3] for row in (rows.get(number), others.get(number)) if row is not None]
            assert min(self._distance(spot) for spot in spots) < 1.6, "an entity changed that nothing touched"
        for name in ("rules", "lamps", "hotbar", "goal_cells"):
            assert np.array_equal(a[name], b[name])
        same = [state.STEPS, state.SEED, state.HEALTH, state.SELECTED, state.SNEAKING]
        assert np.array_equal(a["counters"][same], b["counters"][same])
        if np.array_equal(a["body"], b["body"]):
            return True
        assert self._distance(a["body"][:3] + np.array([0, 0.9, 0])) < 2.4, (
            "the player moved otherwise, and nothing was in his way"
        )
        return False

    def _distance(self, spot):
        cells = np.argwhere(self.cells) + 0.5
        return np.linalg.norm(cells - spot, axis=1).min() if len(cells) else np.inf

    def check(self, one, other):
        """Pixels that see nothing changed are the same; returns how many differ."""
        touched = self.hud.copy()
        for _, truth, _, _ in (one, other):
            touched |= np.isin(truth.instance_ids, list(self.entities)) & (truth.instance_ids > 0)
            seen = np.isfinite(truth.depth_m)
            points = self.world_points(truth)[seen]
            for corner in itertools.product((-1e-3, 1e-3), repeat=3):  # an edge belongs to the cells on its sides
                x, y, z = np.floor(points + corner).astype(int).T
                inside = np.all([(c >= 0) & (c < n) for c, n in zip((x, y, z), self.cells.shape, strict=True)], 0)
                touched[seen] |= inside & self.cells[x * inside, y * inside, z * inside]
        for a, b in (
            (one[0], other[0]),
            (one[1].depth_m, other[1].depth_m),
            (one[1].instance_ids, other[1].instance_ids),
        ):
            assert np.array_equal(a[~touched], b[~touched])
        return int(((one[0] != other[0]).any(-1) & ~self.hud).sum())


def _by_id(entities):
    return {int(row[state.ID]): row for row in entities if row[state.SORT]}


def run(play_at, name, seeds, enough):
    """All seeds; at least a share ``enough`` of them gives a pair with frames to compare that do differ."""
    pairs = [pair for seed in seeds if (pair := compare(play_at, name, seed)) is not None]
    assert len(pairs) >= enough * len(seeds)
    assert sum(frames for frames, _ in pairs) > 0.5 * len(pairs) * STEPS
    assert np.mean([pixels > 0 for _, pixels in pairs]) > 0.7


@pytest.mark.parametrize("name", INTERACTIONS)
def test_futures_with_and_without_are_alike_outside_of_reach(play_at, name):
    run(play_at, name, range(3), 0.6)


@pytest.mark.slow
@pytest.mark.parametrize("name", INTERACTIONS)
def test_futures_with_and_without_are_alike_over_fifty_seeds(play_at, name):
    run(play_at, name, range(50), 0.8)


def test_a_difference_outside_of_reach_would_be_seen(play_at):
    """A cell that changes unnoticed, a creature that goes its own way: the comparison says so."""
    game = play_at(48, 48, map="gallery", seed=1)
    snapshot = game.env.get_state()
    canvas = game.find("canvas")[0]
    assert game.face(canvas)
    one = (game.act()[0], game.env.ground_truth(), game.env.get_state(), [])
    game.env.intervene("recolour", object_id=game.find("red_block")[0], colour="blue")
    game.env.blocks[game.env.ids == canvas] = kinds.PLASTER
    other = (game.act()[0], game.env.ground_truth(), one[2], [])  # the state does not tell
    reach = Reach(game, snapshot)
    assert reach.grow(one[2], other[2])
    with pytest.raises(AssertionError):
        reach.check(one, other)
    moved = {name: value.copy() for name, value in one[2].items()}
    moved["entities"][0, state.X] += 0.25
    with pytest.raises(AssertionError, match="nothing touched"):
        reach.grow(one[2], moved)


def test_undo_is_the_world_without_the_action(play_at):
    for name, make in INTERACTIONS.items():
        game = play_at(32, 32, map="gallery", seed=2)
        action, event = make(game, np.random.default_rng(0))
        snapshot = game.env.get_state()
        walked = {key: value for key, value in action.items() if key in ("back",) or key.startswith("hotbar")}
        if name == "pick_up":  # by another way: nothing to pick up
            game.env.intervene("remove", object_id=game.find("gem_item")[0])
            game.env.intervene("remove", object_id=game.find("gem_item")[-1])
        game.act(**walked)
        plain = game.env.get_state()
        game.env.set_state(snapshot)
        game.act(**action)
        assert event in game.events()
        game.env.intervene("undo")
        undone = game.env.get_state()
        for array in ("blocks", "ids", "paint", "body", "object_classes"):
            assert np.array_equal(plain[array], undone[array]), (name, array)
        if name != "pick_up":
            assert np.array_equal(plain["entities"], undone["entities"]), name
        else:
            items = undone["entities"][:, state.SORT] == state.ITEM
            assert items.sum() == 2
            assert undone["counters"][state.ITEMS] == 1
    assert kinds.CAKE_BITES == 7

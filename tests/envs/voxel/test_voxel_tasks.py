import gymnasium
import numpy as np
import pytest

import worldsim  # noqa: F401 (registers the games)
from envs.voxel import paths, rewards, state
from envs.voxel.env import VoxelEnv
from envs.voxel.kinds import AIR, NAMES, NUMBER
from worldsim.core.actions import ActionCodec
from worldsim.core.errors import UnknownNameError

TASKS = ("reach", "find", "collect", "build", "survive")


class Player:
    """A game with actions by channel name, and ways to put the player somewhere."""

    def __init__(self, task, seed=1, map="arena"):
        self.env = VoxelEnv(map, 16, 16, task=task)
        self.codec = ActionCodec.from_space(self.env.action_space)
        _, self.info = self.env.reset(seed=seed)

    def act(self, **channels):
        return self.env.step(self.codec.decode(self.codec.vector(**channels)))

    def stand(self, x, y, z):
        snapshot = self.env.get_state()
        snapshot["body"][:3] = x, y, z
        snapshot["body"][state.VX : state.YAW] = 0
        self.env.set_state(snapshot)

    def put(self, cell, kind):
        self.env.blocks[cell] = kind

    @property
    def goal(self):
        return self.env.world.goal


def number_before(seed, wanted):
    """The first seed from ``seed`` whose build task has so many cells, all one colour or not."""
    while True:
        player = Player("build", seed)
        if wanted(player.env.world.goal_cells[: int(player.goal[state.TOTAL])]):
            return player
        seed += 1


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("map", ["arena", "terrain", "maze"])
def test_every_task_has_words_and_fits_every_map(task, map):
    env = VoxelEnv(map, 16, 16, task=task)
    texts = set()
    for seed in range(4):
        _, info = env.reset(seed=seed)
        assert info["task"] == env.task_text
        texts.add(env.task_text)
        assert all(8 < len(text) < 90 for text in texts)
    assert len(texts) > 1 or task in ("reach", "survive")


def test_words_come_back_with_a_snapshot():
    first, second = Player("find", 1), Player("find", 2)
    snapshot = first.env.get_state()
    second.env.set_state(snapshot)
    assert second.env.task_text == first.env.task_text
    assert (second.goal == first.goal).all()


@pytest.mark.parametrize("named", [True, False])
def test_the_named_beacon_pays_and_another_costs(named):
    for seed in range(4):
        player = Player("find", seed)
        wanted = int(player.goal[state.WANTED])
        assert player.env.task_text == f"go to the {NAMES[wanted].replace('_', ' ')}"
        kinds = [n for n in np.unique(player.env.blocks) if NAMES.get(int(n), "").endswith("_beacon")]
        assert len(kinds) == 3
        assert not (player.env.blocks == NUMBER["beacon"]).any()
        kind = wanted if named else next(n for n in kinds if n != wanted)
        x, y, z = np.argwhere(player.env.blocks == kind)[0].tolist()
        player.stand(x + 1.35, y, z + 0.5)
        _, reward, terminated, _, _ = player.act()
        assert terminated
        assert reward == (1.0 if named else -0.5)


def test_named_items_pay_others_cost_and_the_last_one_ends_it():
    player = Player("collect", 3)
    wanted = int(player.goal[state.WANTED])
    items = player.env.world.entities[player.env.world.entities[:, state.SORT] == state.ITEM].copy()
    assert sorted(items[:, state.LOOK] == wanted) == [False] * 3 + [True] * 5
    assert player.env.task_text == f"collect the 5 {NAMES[wanted]} items"
    total, ended = 0.0, []
    for row in sorted(items, key=lambda row: row[state.LOOK] == wanted):
        player.stand(*row[:3])
        reward, terminated = 0.0, False
        for _ in range(3):
            _, part, terminated, _, _ = player.act()
            reward += part
            if terminated:
                break
        assert reward == pytest.approx(0.2 if row[state.LOOK] == wanted else -0.2)
        total += reward
        ended.append(terminated)
    assert ended == [False] * 7 + [True]
    assert total == pytest.approx(5 * 0.2 - 3 * 0.2)


def test_other_items_of_the_same_colour_do_not_pay():
    player = Player("collect", 3)
    row = player.env.world.entities[player.env.world.entities[:, state.SORT] == state.ITEM][0]
    copy = player.env.world.entities[-1]
    copy[:] = row
    copy[:3], copy[state.ID], copy[state.LOOK] = player.env.body[:3], 99, player.goal[state.WANTED]
    assert sum(player.act()[1] for _ in range(3)) == 0
    assert player.env.counters[state.ITEMS] == 1


def test_a_row_pays_block_by_block_takes_back_and_ends_when_it_stands():
    player = number_before(0, lambda cells: len(cells) == 3)
    cells = [(tuple(row[:3]), int(row[3])) for row in player.env.world.goal_cells[:3].tolist()]
    assert player.env.task_text == f"place three {NAMES[cells[0][1]]} blocks side by side on the marked place"
    for cell, _ in cells:
        assert player.env.blocks[cell] == AIR
        assert player.env.blocks[cell[0], cell[1] - 1, cell[2]] == NUMBER["pad"]
    other = next(n for n in player.env.world.hotbar.tolist() if n != cells[0][1])
    player.put(cells[0][0], other)
    assert player.act()[1:3] == (0.0, False)
    player.put(*cells[0])
    assert player.act()[1] == pytest.approx(0.5 / 3)
    player.put(cells[0][0], AIR)
    assert player.act()[1] == pytest.approx(-0.5 / 3)
    for cell, kind in cells[:2]:
        player.put(cell, kind)
    assert player.act()[1:3] == (pytest.approx(1 / 3), False)
    player.put(*cells[2])
    assert player.act()[1:3] == (pytest.approx(0.5 / 3 + 0.5), True)


def test_a_pile_names_both_colours_from_the_ground_up():
    player = number_before(0, lambda cells: len(cells) == 2 and cells[1, 1] == cells[0, 1] + 1 != cells[0, 1])
    low, high = player.env.world.goal_cells[:2].tolist()
    assert high[:3] == [low[0], low[1] + 1, low[2]]
    place, top = NAMES[low[3]], NAMES[high[3]]
    assert player.env.task_text == f"place a {place} block on the marked place and a {top} block on top of it"


def test_sites_are_reached_and_level():
    for seed in range(10):
        player = Player("build", seed, map="terrain")
        cells = player.env.world.goal_cells[: int(player.goal[state.TOTAL]), :3]
        start = tuple(int(n) for n in np.floor(player.env.body[:3]))
        reached = {tuple(cell) for cell in paths.reachable(player.env.blocks, start).tolist()}
        assert {tuple(cell) for cell in cells.tolist() if cell[1] == cells[0, 1]} <= reached
        assert not (np.abs(cells + 0.5 - player.env.body[:3]) < 0.5).all(1).any()


def test_hunger_kills_food_keeps_alive_and_death_costs_once():
    player = Player("survive", 2)
    player.env.world.entities[:] = 0  # no spooks
    rewards_seen, ends = [], []
    for _ in range(rewards.HUNGER_STEPS * state.FULL_HEALTH + 2):
        _, reward, terminated, _, _ = player.act()
        rewards_seen.append(reward)
        ends.append(terminated)
    assert ends.index(True) == rewards.HUNGER_STEPS * state.FULL_HEALTH - 1
    assert rewards_seen[ends.index(True)] == -1
    assert rewards_seen[:-3] == [rewards.ALIVE_REWARD] * (len(rewards_seen) - 3)
    assert rewards_seen[-2:] == [0, 0]
    assert ends[-2:] == [True, True]


def test_a_bite_of_a_cake_feeds():
    player = Player("survive", 2)
    player.env.world.entities[:] = 0
    assert (player.env.blocks == NUMBER["cake"]).sum() == 4
    player.env.counters[state.HEALTH] = 5
    x, y, z = (int(n) for n in np.floor(player.env.body[:3]))
    player.put((x, y, z + 1), AIR)
    player.put((x, y, z + 2), NUMBER["cake"])
    player.stand(x + 0.5, y, z + 0.5)
    snapshot = player.env.get_state()
    snapshot["body"][[state.YAW, state.PITCH]] = 0, 34
    player.env.set_state(snapshot)
    player.act(use=1)
    assert player.env.counters[state.HEALTH] == 5 + rewards.FOOD_HEALTH


def test_a_spook_comes_and_hurts_and_the_bar_shows_it():
    player = Player("survive", 4)
    env = player.env
    spooks = env.world.entities[:, state.HABIT] == state.HUNTS
    assert spooks.sum() == 2
    env.world.entities[np.argmax(spooks), :3] = env.body[:3] + np.array([0.5, 0, 0.5])
    for _ in range(10):
        player.act()
    assert env.counters[state.HEALTH] < state.FULL_HEALTH
    mask = env.hud_mask()
    env.counters[state.HEALTH] = 3
    low = env._draw().copy()
    env.counters[state.HEALTH] = state.FULL_HEALTH
    changed = (env._draw() != low).any(-1)
    assert changed.any()
    assert (changed <= mask).all()


def test_unknown_tasks_are_named():
    with pytest.raises(UnknownNameError, match="Did you mean 'collect'"):
        VoxelEnv("arena", task="colect")


def test_ids_of_the_tasks():
    for name in ("find", "collect", "build", "survive"):
        env = gymnasium.make(f"voxel/{name}", height=16, width=16)
        assert env.reset(seed=0)[1]["task"]
        assert env.unwrapped.task_name == name
        env.close()

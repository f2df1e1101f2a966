import numpy as np
import pytest

from envs.voxel import hands, kinds, player, state
from envs.voxel.maps import arena


def shift_of(before, after, axis):
    """By how many pixels the content moved along ``axis`` (1: right, 0: down), by best overlap away from the HUD."""
    a, b = (frame[:52].astype(float).mean(-1) for frame in (before, after))
    span = a.shape[axis]

    def error(s):
        low, high = max(s, 0), span + min(s, 0)
        moved = np.take(b, range(low, high), axis) - np.take(a, range(low - s, high - s), axis)
        return np.abs(moved).mean()

    return min(range(-9, 10), key=error)


@pytest.mark.parametrize("yaw", [6.0, -6.0])
def test_positive_yaw_moves_the_image_left(game, yaw):
    before = game.stand(8, 8, yaw=30, empty=False)
    after = game.act(yaw=yaw)[0]
    assert shift_of(before, after, 1) == pytest.approx(-yaw / 6 * 4.8, abs=1.3)  # 45.7 px focal length * tan(6 deg)


@pytest.mark.parametrize("pitch", [6.0, -6.0])
def test_positive_pitch_moves_the_image_up(game, pitch):
    before = game.stand(8, 8, yaw=30, empty=False)
    after = game.act(pitch=pitch)[0]
    assert shift_of(before, after, 0) == pytest.approx(-pitch / 6 * 4.8, abs=1.3)


def test_pitch_is_clamped_and_yaw_goes_round(game):
    game.stand(10, 10)
    game.act(pitch=170)
    assert game.env.body[state.PITCH] == player.PITCH_LIMIT_DEG
    game.act(pitch=-180)
    assert game.env.body[state.PITCH] == -player.PITCH_LIMIT_DEG
    game.act(4, yaw=90)
    assert game.env.body[state.YAW] == pytest.approx(0)


@pytest.mark.parametrize(
    ("name", "right", "ahead"), [("left", -1, 0), ("right", 1, 0), ("forward", 0, 1), ("back", 0, -1)]
)
@pytest.mark.parametrize("yaw", [0.0, 70.0, 200.0])
def test_walking_goes_along_the_camera_axes(game, name, right, ahead, yaw):
    game.stand(11, 11, yaw=yaw)
    before = game.env.ground_truth().camera.T_world_camera
    game.act(10, **{name: 1})
    after = game.env.ground_truth().camera.T_world_camera
    assert np.allclose(before[:3, :3], after[:3, :3])
    moved = before[:3, :3].T @ (after[:3, 3] - before[:3, 3])  # camera axes: right, down, forward
    assert np.allclose(moved / np.linalg.norm(moved), (right, 0, ahead), atol=1e-6)


def test_turning_does_not_move(game):
    game.stand(11, 11)
    before = game.env.eye()
    game.act(10, yaw=9, pitch=1)
    assert game.env.eye() == before


@pytest.mark.parametrize(
    ("buttons", "speed"), [({}, 4.3), ({"sprint": 1}, 5.6), ({"sneak": 1}, 1.3), ({"left": 1}, 4.3)]
)
def test_speeds_in_metres_a_second(game, buttons, speed):
    game.stand(7, 4)
    game.act(10, forward=1, **buttons)
    start = game.env.body[[state.X, state.Z]].copy()
    game.act(10, forward=1, **buttons)
    assert np.hypot(*(game.env.body[[state.X, state.Z]] - start)) * 2 == pytest.approx(speed, rel=0.01)


def test_jump_climbs_one_block_and_not_two(game):
    for height, climbs in ((1, True), (2, False)):
        game.stand(10.5, 8.5)
        for y in range(height):
            for z in range(10, 14):
                game.put(10, arena.FLOOR_Y + y, z, kinds.HOTBAR[0], 1)
        game.act(20, forward=1, jump=1)
        game.act(12)
        assert (game.env.body[state.Z] > 10.5) == climbs
        assert game.env.body[state.Y] == pytest.approx(arena.FLOOR_Y + (height if climbs else 0))


def test_walls_hold_from_every_side(game):
    for yaw in range(0, 360, 30):
        game.stand(11, 11, yaw=yaw)
        game.act(80, forward=1, sprint=1, jump=1)
        x, _, z = game.env.body[:3]
        low, high = 1 + hands.HALF_WIDTH_M, arena.SHAPE[0] - 1 - player.HALF_WIDTH_M
        assert low <= x <= high
        assert low <= z <= high
        assert max(abs(x - 11), abs(z - 11)) > 9


def test_place_changes_one_cell_and_only_pixels_of_the_new_block(game):
    before = game.stand(10.5, 8.5, pitch=35)
    blocks = game.env.blocks.copy()
    after = game.act(use=1, **{"hotbar.2": 1})[0]
    changed = np.argwhere(game.env.blocks != blocks)
    assert changed.tolist() == [[10, arena.FLOOR_Y, 10]]
    assert game.env.blocks[10, arena.FLOOR_Y, 10] == kinds.HOTBAR[1]
    truth = game.env.ground_truth()
    number = truth.objects[-1].id
    assert truth.objects[-1].cls == "placed_blue"
    assert truth.objects[-1].position_m == (10.5, arena.FLOOR_Y + 0.5, 10.5)
    visible = ~game.env.hud_mask()
    assert ((before != after).any(-1) & visible == (truth.instance_ids == number) & visible).all()
    blue = after[(truth.instance_ids == number) & visible].mean(0)
    assert blue[2] > 2 * blue[0]


def test_break_undoes_place(game):
    before = game.stand(10.5, 8.5, pitch=35)
    game.act(use=1)
    number = game.env.ground_truth().objects[-1].id
    game.act()
    after = game.act(attack=1)[0]
    visible = ~game.env.hud_mask()
    assert (before[visible] == after[visible]).all()
    placed = next(o for o in game.env.ground_truth().objects if o.id == number)
    assert not placed.alive
    assert placed.visible_pixels == 0


def test_nothing_is_placed_into_the_player_or_out_of_reach(game):
    for pitch in (85, 2):
        game.stand(10.5, 8.5, pitch=pitch)
        blocks = game.env.blocks.copy()
        game.act(5, use=1)
        assert (game.env.blocks == blocks).all()


def test_held_attack_breaks_at_once_and_then_every_sixth_step(game):
    game.stand(10.5, 8.5)
    for z in range(10, 13):
        game.put(10, arena.FLOOR_Y + 1, z, kinds.HOTBAR[0], 1)
    left = []
    for _ in range(13):
        game.act(attack=1)
        left.append(int((game.env.blocks[10, arena.FLOOR_Y + 1] == kinds.HOTBAR[0]).sum()))
    assert left == [2] * 6 + [1] * 6 + [0]


def test_walls_and_bedrock_do_not_break(game):
    game.stand(10.5, 2.5, yaw=180)
    blocks = game.env.blocks.copy()
    game.act(10, attack=1)
    assert (game.env.blocks == blocks).all()
    game.stand(10.5, 8.5, pitch=84)
    game.act(60, attack=1)
    assert (game.env.blocks[1:-1, 0, 1:-1] == kinds.BEDROCK).all()
    assert game.env.body[state.Y] == arena.FLOOR_Y - 1  # the floor is gone, bedrock carries


@pytest.mark.parametrize("slot", [1, 2, 3])
def test_hotbar_selects_and_shows(game, slot):
    before = game.stand(10.5, 8.5, pitch=35)
    game.act(**{f"hotbar.{slot % 3 + 1}": 1})
    other = game.act()[0]
    after = game.act(**{f"hotbar.{slot}": 1})[0]
    changed = (other != after).any(-1)
    assert changed.any()
    assert (changed <= game.env.hud_mask()).all()
    game.act(use=1)
    assert game.env.blocks[10, arena.FLOOR_Y, 10] == kinds.HOTBAR[slot - 1]
    assert before.shape == after.shape


def test_sneak_lowers_the_eye(game):
    game.stand(10.5, 8.5)
    high = game.env.eye()[1]
    game.act(sneak=1)
    assert high - game.env.eye()[1] == pytest.approx(0.2)
    game.act()
    assert game.env.eye()[1] == high

"""Our own small voxel game: first person, MineRL action names, a numba ray-caster with exact ground truth."""

"""Our own small voxel game: first person, MineRL action names, a numba ray-caster with exact ground truth."""

from envs.voxel.kernel_cache import drop_stale_kernels

drop_stale_kernels()

"""Game environments with ground truth: our voxel game, ViZDoom, and the policies that play them."""

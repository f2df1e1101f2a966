"""The objective and the sampler: rectified flow with x-prediction and a noise level per frame."""

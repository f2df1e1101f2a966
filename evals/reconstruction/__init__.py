"""A place in space fitted to frames with known cameras: if there is one, it predicts the frames that were held out.

torch is imported inside functions: who does not reconstruct does not wait for it.
"""

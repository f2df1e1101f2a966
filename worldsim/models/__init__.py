"""Networks: the video autoencoder and the diffusion transformer."""

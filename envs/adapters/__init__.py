"""Other people's games behind our contract: any Gymnasium game (``gym:ID``), and MineRL (``minecraft/*``)."""

"""Small mechanical scenes simulated by MuJoCo and drawn by our own ray-caster, so that no OpenGL is needed."""

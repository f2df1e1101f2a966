"""Weights files: the same content is the same bytes, whichever process wrote it."""

import subprocess
import sys

import torch
from safetensors import safe_open
from safetensors.torch import load

from worldsim.core.records import file_hash
from worldsim.models.checkpoint import to_bytes

SCRIPT = """
import sys, torch
from pathlib import Path
from worldsim.models.autoencoders import VAE, VAEConfig
from worldsim.models.checkpoint import save_model
torch.manual_seed(0)
config = VAEConfig(widths=(4, 4, 4), blocks=1)
for number in range(4):
    save_model(Path(sys.argv[1]) / str(number), VAE(config), {"named": "é \\"x\\""}, sys.argv[2])
    torch.manual_seed(0)
"""


def test_a_file_is_the_same_bytes_in_every_process(tmp_path):
    for process in ("a", "b"):
        (tmp_path / process).mkdir()
        done = subprocess.run([sys.executable, "-c", SCRIPT, str(tmp_path / process), "int8"], capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
    hashes = {file_hash(path) for folder in ("a", "b") for path in (tmp_path / folder).iterdir()}
    assert len(hashes) == 1


def test_what_was_written_is_read(tmp_path):
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(3, dtype=torch.int8)}
    metadata = {"z": 'é "quoted" \\ \n', "a": "1", "m": "{}"}
    (tmp_path / "file").write_bytes(to_bytes(tensors, metadata))
    with safe_open(tmp_path / "file", "pt") as file:
        assert file.metadata() == metadata
    found = load((tmp_path / "file").read_bytes())
    assert all(torch.equal(found[name], value) for name, value in tensors.items())

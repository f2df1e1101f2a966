"""``worldsim ladder``: the same recipe at several computes, every suite on each, one report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from worldsim.cli import names
from worldsim.cli.commands import eval as evaluation
from worldsim.cli.commands import report as reporting
from worldsim.cli.settings import setting
from worldsim.cli.stages import Say, Stage, Stages
from worldsim.core.errors import WorldsimError
from worldsim.core.siblings import import_ours

EXAMPLES = (
    "worldsim ladder compute=1e13",
    "worldsim ladder data=[data/arena.lance,data/arena-more.lance] compute=1e14 limit=128 out=runs/ladder",
    "worldsim ladder data=data/arena.lance compute=1e13 scales=[base,4x] suites=[control,drift] limit=32",
)
# What may change when a ladder goes on: more scales and suites, other limits. The rest makes it another ladder.
MAY_CHANGE = ("scales", "suites", "limit", "videos", "batch", "threads", "device", "out")
WITH_ITS_AUTOENCODER = "32x"  # the scale whose autoencoder all of them share
MORE_WORK = {"base": 1.0, "4x": 1.3, "32x": 2.5}  # an evaluation is, the larger the network


@dataclass(kw_only=True)
class LadderConfig:
    compute: float = setting("training FLOPs of base; 4x has four times, 32x thirty-two times as many", default=1e14)
    data: list[str] = setting(
        "tables written by worldsim collect; recorded unless given", default=[], example="data/arena.lance", path=True
    )
    vae: str = setting(
        "run folder of an autoencoder for all scales; the one that 32x would have is trained unless given",
        default="", path=True,
    )  # fmt: skip
    scales: list[str] = setting("which to train", default=["base", "4x", "32x"], names=("base", "4x", "32x"))
    suites: list[str] = setting("suites, or all", default=["all"], names="worldsim.cli.names:suite_names", path=True)
    limit: int = setting("scenarios of each suite, the same for all scales", default=8)
    out: str = setting("folder for runs, checkpoints, evaluations and report", default="runs/ladder", path=True)
    env: str = setting(
        "game to record where no data is given", default="voxel/arena", names="worldsim.cli.names:environment_ids"
    )
    policy: str = setting("who plays it then", default="glancer", names="worldsim.cli.names:policy_names")
    episodes: int = setting("episodes to record then", default=400)
    max_steps: int = setting("longest of them, in actions", default=200)
    steps: int = setting("denoising steps a frame", default=1)
    storage: str = setting("of the packed weights", default="int8", names=("int8", "bfloat16", "float32"))
    controls: list[str] = setting(
        "controls beside each evaluation; auto: oracle, ceiling and nulls",
        default=["auto"],
        names="worldsim.cli.names:control_names",
    )
    seed: int = setting("root seed of recordings, training and dreams", default=0)
    threads: int = setting("of the CPU; 0 is PyTorch's own choice", default=0)
    device: str = setting("where networks are trained and dream", default="cpu", example="cuda")
    videos: int = setting("scenarios of each suite to film", default=3)
    batch: int = setting("dreams at once", default=16)


def run(config: LadderConfig) -> None:
    """Trains the scales on the same data in the same latents, asks all the same from the same noise, writes the report.

    The same command goes on where it was stopped; more scales, suites or scenarios are added to what is there.
    """
    suites = _check(config)
    from worldsim.training.tables import open_tables

    tables = [table.content_key for table in open_tables(config.data, one_action_space=True)] if config.data else []
    ladder = _Ladder(config, suites)
    settings = {**asdict(config), "tables": tables}
    Stages("ladder", ladder.out, settings, MAY_CHANGE, list(ladder.stages())).run()
    print(ladder.report)


def _check(config: LadderConfig) -> list[str]:
    """The suites by name; whatever is wrong is said before anything is computed."""
    if config.limit < 1 or config.steps < 1 or not config.scales:
        raise WorldsimError(
            f"limit={config.limit} and steps={config.steps} must be at least 1, and scales={config.scales} name one."
        )
    suites = names.chosen(names.suites(), config.suites)
    evaluation.chosen_controls(config.controls)
    names.policy_target(config.policy)
    from worldsim.models.device import find_device
    from worldsim.training.scales import find_scale, network_size

    for scale in config.scales:
        network_size(find_scale(scale).times * config.compute)
    find_device(config.device)
    if config.vae:
        from worldsim.models.autoencoders import load_autoencoder

        load_autoencoder(Path(config.vae))
    return suites


class _Ladder:
    """Every stage of a ladder, in order: ``OUT/vae``, ``OUT/SCALE/{train,model,eval/SUITE}``."""

    def __init__(self, config: LadderConfig, suites: list[str]):
        self.config, self.suites, self.out = config, suites, Path(config.out)
        self.data = config.data or [str(self.out / "data" / "train.lance")]
        self.vae = Path(config.vae or self.out / "vae")
        self.report = self.out / "report.html"

    def stages(self) -> Iterator[Stage]:
        from worldsim.training.scales import find_scale

        config = self.config
        if not config.data:
            yield Stage("data", "recording", config.episodes * config.max_steps, self._record, {})
        if not config.vae:
            flops = find_scale(WITH_ITS_AUTOENCODER).autoencoder_flops(config.compute)
            yield Stage("vae", "training", flops, self._train_vae, {})
        for name in config.scales:
            scale = find_scale(name)
            part = lambda work, name=name: lambda say: work(name, say)  # noqa: E731
            yield Stage(f"{name}/train", "training", scale.times * config.compute, part(self._train), {})
            yield Stage(f"{name}/model", "packing", 1, part(self._pack), {})
        asked = {"limit": config.limit, "videos": config.videos}
        for name in config.scales:
            for suite in self.suites:
                work = config.limit * MORE_WORK[name]
                ask = lambda say, name=name, suite=suite: self._evaluate(name, suite)  # noqa: E731
                yield Stage(f"{name}/eval/{suite}", "evaluation", work, ask, asked)
        shown = {**asked, "scales": config.scales, "suites": self.suites}
        yield Stage("report", "report", 1, self._write_report, shown)

    def _record(self, say: Say) -> str:
        from worldsim.data.collect import collect

        config = self.config
        target = names.policy_target(config.policy)
        (path,) = self.data
        collect(
            config.env, target, config.episodes, path, max_steps=config.max_steps, seed=config.seed, progress=say
        )  # fmt: skip
        return ""

    def _train_vae(self, say: Say) -> str:
        from worldsim.training.scales import scaled
        from worldsim.training.vae import VAETrainConfig, train_vae

        start = VAETrainConfig(seed=self.config.seed, threads=self.config.threads, device=self.config.device)
        settings, compute = scaled(start, WITH_ITS_AUTOENCODER, self.config.compute, self.data)
        train_vae(settings, self.data, self.vae, say, compute)
        return ""

    def _train(self, scale: str, say: Say) -> str:
        from worldsim.training.scales import scaled
        from worldsim.training.simulator import train_simulator
        from worldsim.training.simulator_config import SimulatorTrainConfig

        start = SimulatorTrainConfig(seed=self.config.seed, threads=self.config.threads, device=self.config.device)
        settings, compute = scaled(start, scale, self.config.compute, self.data)
        train_simulator(settings, self.data, self.vae, self.out / scale / "train", say, compute)
        return ""

    def _pack(self, scale: str, say: Say) -> str:
        from worldsim.training.pack import pack

        folder = self.out / scale
        pack(self.vae, [folder / "train"], folder / "model", self.config.storage, self.config.steps)
        return ""

    def _evaluate(self, scale: str, suite: str) -> str:
        config = self.config
        asked = evaluation.EvalConfig(
            simulator=[str(self.out / scale / "model")], suite=[suite], limit=config.limit, controls=config.controls,
            out=str(self.out / scale / "eval" / suite), seed=config.seed, videos=config.videos, batch=config.batch,
            device=config.device,
        )  # fmt: skip
        try:
            evaluation.evaluate(asked)
        except import_ours("evals.contests").NothingToAsk as error:
            return str(error)
        return ""

    def _write_report(self, say: Say) -> str:
        runs = [
            str(self.out / scale / "eval" / suite)
            for scale in self.config.scales
            for suite in self.suites
            if (self.out / scale / "eval" / suite / "summary.json").exists()
        ]
        models = [str(self.out / scale / "model") for scale in self.config.scales]
        reporting.run(reporting.ReportConfig(runs=[*runs, *models], out=str(self.report), videos=self.config.videos))
        return ""

"""Other people's formats: recordings in, tables out, and back. One file for each."""

from worldsim.core.registry import Registry

IMPORTERS = Registry("format to import")
IMPORTERS.add("vpt", "worldsim.data.formats.vpt:open_source", "OpenAI's Minecraft recordings: mp4 and jsonl pairs")
IMPORTERS.add("lerobot", "worldsim.data.formats.lerobot_reader:open_source", "a LeRobot v3 dataset")
IMPORTERS.add("minari", "worldsim.data.formats.minari:open_source", "a Minari dataset of image observations")
IMPORTERS.add("mp4", "worldsim.data.formats.mp4:open_source", "what export format=mp4 wrote")
IMPORTERS.add("videos", "worldsim.data.formats.videos:open_source", "a folder of videos, captions beside them")

EXPORTERS = Registry("format to export")
EXPORTERS.add("mp4", "worldsim.data.formats.mp4:export", "a video and a jsonl of actions for each episode")
EXPORTERS.add("lerobot", "worldsim.data.formats.lerobot:export", "a LeRobot v3 dataset")
EXPORTERS.add("minari", "worldsim.data.formats.minari:export", "a Minari dataset, frames without loss")

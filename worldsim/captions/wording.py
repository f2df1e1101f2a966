"""Texts from a story, in several styles; a small vocabulary, words chosen as a function of the generator."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from worldsim.captions.facts import Act, Happening
from worldsim.captions.story import Group, Story
from worldsim.captions.words import listed, sentence, third_person

USUAL_STYLES = ("dense", "short", "command", "tags")
STYLES = (*USUAL_STYLES, "scene", "scene_command")
SYNONYMS = {
    "turn": ("turn", "rotate"),
    "walk": ("walk", "move", "go"),
    "run": ("run", "sprint"),
    "strafe": ("strafe", "sidestep"),
    "break": ("break", "destroy"),
    "place": ("place", "put down"),
    "pick up": ("pick up", "take"),
    "fall": ("fall", "drop"),
}
GERUNDS = {
    "turn": "turning", "look": "looking", "walk": "walking", "run": "running", "strafe": "strafing", "go": "going",
    "sneak": "sneaking", "move": "moving", "jump": "jumping", "attack": "attacking", "press": "pressing",
}  # fmt: skip
EDITS = (
    "break", "place", "pick up", "open", "close", "switch on", "switch off", "flip", "bite", "finish", "paint on",
    "push", "hit", "defeat",
)  # fmt: skip
MOST_ACTS = 14  # of a dense caption


class Writer:
    """Writes captions of one story with words chosen by ``rng``."""

    def __init__(self, story: Story, rng: np.random.Generator):
        self.story, self.rng = story, rng

    def write(self, style: str) -> str:
        """A caption in one of ``STYLES``."""
        write = {"dense": self._dense, "short": self._short, "command": self._command, "tags": self._tags}
        return (write | {"scene": self._scene, "scene_command": self._scene_command})[style]()

    def _pick(self, options: Sequence[str]) -> str:
        return options[int(self.rng.integers(len(options)))]

    def _chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    # Styles

    def _dense(self) -> str:
        story = self.story
        parts = [self._opening(), *self._timeline(story.acts)]
        parts += [self._happening(one) for one in sorted(story.happenings[:5], key=lambda one: one.start)]
        if story.arrivals:
            things, is_ = listed([self._thing(group) for group in story.arrivals[:4]]), _is(story.arrivals[:4])
            parts.append(self._pick((f"at the end {things} {is_} in view", f"in the last frame there {is_} {things}")))
        if story.departures and self._chance(0.5):
            gone = story.departures[:3]
            parts.append(f"{listed([_the(group) for group in gone])} {_is(gone)} out of view then")
        parts += self._result()
        return " ".join(sentence(part) for part in parts if part)

    def _short(self) -> str:
        story = self.story
        acts = self._main(3)
        place = self._pick(story.places)
        where = f" in {place}" if self._chance(0.5) else ""
        done = [self._third(act, amount=0.0) for act in acts] + [third_person(clause) for clause in story.outcome]
        if done:
            return sentence(f"the player {self._chain(done)}{where}")
        if story.happenings:
            return sentence(self._happening(story.happenings[0]) + where)
        if story.view:
            return sentence(f"{self._things(2)}{where}")
        return sentence(place)

    def _command(self) -> str:
        acts = self._main(3)
        if acts:
            return self._chain([self._imperative(act, amount=0.4) for act in acts])
        if self.story.happenings and self.story.happenings[0].noun is not None:
            one = self.story.happenings[0]
            noun = one.noun.the if one.count == 1 else f"the {one.noun.counted(one.count)}"  # type: ignore[union-attr]
            return f"watch {noun} {one.verb} {one.way}".strip()
        return self._pick(("wait", "do nothing"))

    def _tags(self) -> str:
        story = self.story
        tags = [self._bare(self._pick(story.places)), *(str(noun) for noun, *_ in story.view)]
        for act in story.acts:
            tags.append(f"{act.verb} {act.noun or act.way}".strip())
        tags += [f"{one.noun} {third_person(one.verb)} {one.way}".strip() for one in story.happenings[:3]]
        tags += story.outcome
        return ", ".join(dict.fromkeys(tags))

    def _scene(self) -> str:
        """Place, hour and thing, now as a phrase and now as tags, in any order; here and there one is left out."""
        where = self.story.setting
        if where is None:
            place = self._pick(self.story.places)
            return f"{self._things(2)} in {place}" if self.story.view else place
        place, thing = self._pick(where.places), ""
        time = self._pick(where.times) if self._chance(0.85) else ""
        if where.thing is not None and self._chance(0.9):
            thing = self._thing((where.thing, 1, where.side if self._chance(0.5) else "", ""))
        kind = self._pick(("thing first", "place first", "hour first", "tags"))
        if kind == "tags":
            tags = [self._bare(place), *([where.hour] if time else []), *([self._bare(thing)] if thing else [])]
            return ", ".join(tags[i] for i in self.rng.permutation(len(tags)))
        if kind == "hour first" and time:
            return f"{where.hour}; {thing} in {place}" if thing else f"{where.hour}; {place}"
        if kind == "thing first" and thing:
            return f"{thing} in {place} {time}".strip()
        return " ".join(part for part in (place, time, f"with {thing}" if thing else "") if part)

    def _scene_command(self) -> str:
        acts = self._main(2)
        if not acts:
            return self._scene()
        return f"{self._scene()}, the player {self._chain([self._third(act, amount=0.0) for act in acts])}"

    # Parts

    def _opening(self) -> str:
        story = self.story
        place = self._pick(story.places)
        facing = f" facing {story.heading}" if story.heading and self._chance(0.7) else ""
        if not story.view:
            return f"the player is in {place}{facing}" if story.first_person else place
        things = self._things(6)
        options = [
            f"in {place} there {'is' if story.view[0][1] == 1 else 'are'} {things}",
            f"{place} with {things}",
        ]
        if story.first_person:
            options += [
                f"in {place}{facing}, the player sees {things}",
                f"the player is in {place}{facing} and sees {things}",
            ] * 2
        return self._pick(options)

    def _things(self, most: int) -> str:
        return listed([self._thing(group) for group in self.story.view[:most]])

    def _thing(self, group: Group) -> str:
        noun, count, side, reach = group
        words = noun.counted(count)
        if reach:
            words += " " + self._pick({"near": ("close by", "nearby"), "far": ("far away", "in the distance")}[reach])
        if side:
            words += {"left": " on the left", "right": " on the right", "middle": " in the middle"}[side]
        return words

    def _timeline(self, acts: Sequence[Act]) -> list[str]:
        """Sentences of up to three phrases; an act that goes on during the one before joins it by "while"."""
        ranked = sorted(acts, key=lambda act: (act.minor, act.verb not in EDITS, act.start - act.end))
        acts = [act for act in acts if act in ranked[:MOST_ACTS]]
        phrases: list[tuple[str, Act]] = []
        for act in acts:
            before = phrases[-1][1] if phrases else None
            joins = (
                before is not None and "while" not in phrases[-1][0] and act.verb in GERUNDS and act.verb != before.verb
            )
            if joins and before is not None and _overlap(before, act) >= 0.6:
                phrases[-1] = (f"{phrases[-1][0]} while {self._gerund(act)}", before)
            else:
                phrases.append((self._third(act, amount=0.8), act))
        sentences = []
        for i in range(0, len(phrases), 3):
            group = phrases[i : i + 3]
            seconds = round(group[0][1].start / self.story.fps)
            openings = [
                "then",
                "after that",
                *([f"after about {seconds} second{'s' * (seconds > 1)}"] if seconds else []),
            ]
            opening = f"{self._pick(openings)} the player" if i else "the player"
            sentences.append(f"{opening} {self._chain([text for text, _ in group])}")
        return sentences

    def _result(self) -> list[str]:
        story = self.story
        parts = []
        if story.outcome:
            parts.append(f"the player {listed([third_person(clause) for clause in story.outcome])}")
        if story.ended:
            parts.append(self._pick(("the episode ends", "the game is over")))
        return parts

    def _happening(self, one: Happening) -> str:
        if one.noun is None:
            return one.verb
        verb = self._word(one.verb)
        known = any(noun == one.noun and count == 1 for noun, count, *_ in self.story.view) or one.noun.name == "camera"
        articles = (one.noun.the,) if known else (one.noun.a,)
        subject = self._pick(articles) if one.count == 1 else one.noun.counted(one.count)
        return f"{subject} {third_person(verb) if one.count == 1 else verb} {one.way}".strip()

    def _main(self, most: int) -> list[Act]:
        """The acts that matter most, in order of time: edits before long motions."""
        acts = [act for act in self.story.acts if not act.minor] or list(self.story.acts)
        ranked = sorted(acts, key=lambda act: (act.verb not in EDITS, act.start - act.end))
        chosen = sorted(ranked[:most], key=lambda act: (act.start, act.end))
        # "looks up, then looks up" is two acts, and reads as a slip.
        again = [a for a, b in pairwise(chosen) if (a.verb, a.way, a.noun) == (b.verb, b.way, b.noun)]
        return [act for act in chosen if act not in again]

    # Phrases

    def _third(self, act: Act, amount: float) -> str:
        return third_person(self._phrase(act, amount, ("a",)))

    def _imperative(self, act: Act, amount: float) -> str:
        return self._phrase(act, amount, ("a", "the"))

    def _gerund(self, act: Act) -> str:
        return f"{GERUNDS[act.verb]} {act.way} {act.amount if self._chance(0.5) else ''}".strip()

    def _phrase(self, act: Act, amount: float, articles: Sequence[str]) -> str:
        words = [self._word(act.verb)]
        if act.noun is not None:
            definite = self._pick(articles) == "the" and act.count == 1
            words.append(act.noun.the if definite else act.noun.counted(act.count))
        if act.way:
            words.append(act.way)
        if act.amount and self._chance(amount):
            words.append(act.amount)
        return " ".join(words)

    def _word(self, verb: str) -> str:
        return self._pick(SYNONYMS.get(verb, (verb,)))

    def _chain(self, phrases: Sequence[str]) -> str:
        if len(phrases) == 1:
            return phrases[0]
        link = self._pick((", then ", " and then "))
        return ", ".join(phrases[:-1]) + link + phrases[-1]

    @staticmethod
    def _bare(place: str) -> str:
        return place.removeprefix("a ").removeprefix("an ").removeprefix("the ")


def _is(groups: Sequence[Group]) -> str:
    return "is" if groups[0][1] == 1 and len(groups) == 1 else "are"


def _the(group: Group) -> str:
    noun, count, *_ = group
    return noun.the if count == 1 else f"the {noun.plural}"


def _overlap(first: Act, second: Act) -> float:
    """The share of the shorter act that both are going on."""
    both = min(first.end, second.end) - max(first.start, second.start)
    return both / max(1, min(first.end - first.start, second.end - second.start))

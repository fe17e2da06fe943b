"""Findings that a sentence sets against each other: "atelectasis or infiltrate", "nodule, may be a nipple shadow", "fibrosis
with volume loss".
"""

from __future__ import annotations

from collections.abc import Sequence

from fulfillment.labels.reports.mentions import ALTERNATIVES, Mention, weaken
from fulfillment.labels.reports.observations import Item
from fulfillment.labels.reports.sentences import Word
from requests_app.taxonomy import LabelState

_APART = 6
_DENIALS = frozenset(("no", "without", "not"))
#: Something is there whichever of the alternatives it is.
_COMMON = frozenset(("lung_opacity", "lung_lesion"))
_SCARLIKE = frozenset(("atelectasis", "pulmonary_fibrosis"))


def weigh_alternatives(words: Sequence[Word], items: Sequence[Item], mentions: Sequence[Mention]) -> None:
    """ "Infiltrate or atelectasis", "mass versus pneumonia": each is possible, and a hedge over both stays as it is.

    "Atelectasis or scarring" is said of one thing that both words describe: the finding is likely. Where a "no change in" governs
    the two, nothing is weighed against anything.
    """
    versus = {item.last for item in items if words[item.first].form in ("versus", "vs")}
    inside = {index for item in items for index in range(item.first, item.last)}
    joints = versus | {
        index + 1 for index, word in enumerate(words) if word.form in ALTERNATIVES and index not in inside
    }
    if not joints:
        return
    _against_the_unknown(words, mentions)
    unchanged = [
        item.first for item in items if item.meaning.forward == "nothing" and words[item.first].form in _DENIALS
    ]
    for place, left in enumerate(mentions):
        for other in range(place + 1, len(mentions)):
            right = mentions[other]
            if right.first - left.last > _APART:
                break
            if right.first < left.last or right.concept == left.concept:
                continue
            joint = next((index for index in joints if left.last < index <= right.first), None)
            if joint is None or any(m.first >= left.last and m.last <= right.first for m in mentions[place:other]):
                continue
            if joint not in versus and any(first < left.first for first in unchanged):
                continue
            # "Consolidation, classic or probable pneumonia": the "or" joins what stands after the comma.
            if any(word.form == "," for word in words[left.last : joint - 2]):
                continue
            if "copd" in (left.concept, right.concept) or not _COMMON.isdisjoint((left.concept, right.concept)):
                continue
            # "Consolidation, atelectasis versus pneumonia": the consolidation is there, and two things may explain it.
            listed = [] if joint in versus else _listed_before(left, mentions[max(0, place - 4) : place], words)
            scarred = "~scar" in (left.concept, right.concept) and joint not in versus and not listed
            for one in (*listed, left, right):
                if one.concept in _COMMON or one.settled:
                    continue
                if one.state is LabelState.PRESENT and not (scarred and one.concept == "pleural_thickening"):
                    one.state = LabelState.LIKELY if scarred and one.concept in _SCARLIKE else LabelState.POSSIBLE
                elif one.state is LabelState.LIKELY and joint in versus:
                    one.state = LabelState.POSSIBLE


_RIVALS = frozenset(
    ("atelectasis", "consolidation", "infiltration", "pneumonia", "pulmonary_edema", "pleural_effusion")
).union(("mass", "nodule", "pleural_thickening", "pulmonary_fibrosis", "pneumothorax"))
_EARLIER = frozenset(("prior", "previous", "the", "earlier", "before"))


def _against_the_unknown(words: Sequence[Word], mentions: Sequence[Mention]) -> None:
    """ "Edema, pneumonia or haemorrhage", "infiltrate versus artefact": a rival that is no finding of ours is one all the same."""
    for place, mention in enumerate(mentions):
        if mention.state not in (LabelState.PRESENT, LabelState.POSSIBLE) or mention.concept not in _RIVALS:
            continue
        joint = mention.last + (mention.last < len(words) and words[mention.last].form == ",")
        if joint + 1 >= len(words) or words[joint].form not in ("or", "versus", "vs"):
            continue
        if words[joint + 1].form in _EARLIER:  # "effusion has grown versus the prior"
            continue
        if any(joint < other.first <= joint + _APART for other in mentions[place + 1 :]):
            continue
        for one in (mention, *_listed_before(mention, mentions[max(0, place - 4) : place], words)):
            if one.concept in _RIVALS:
                weaken(one, LabelState.POSSIBLE)


def _listed_before(mention: Mention, mentions: Sequence[Mention], words: Sequence[Word]) -> list[Mention]:
    """The findings of "a, b or c" before the one at hand, with nothing but a comma between."""
    return [m for m in mentions if [word.form for word in words[m.last : mention.first]] == [","]]


_MISTAKEN = frozenset(("nodule", "mass", "lung_lesion", "pneumothorax"))
_SHRINKS = frozenset(("pulmonary_fibrosis", "~scar", "pleural_thickening", "pleural_other"))


_SPINE = frozenset(("vertebra", "vertebrae", "vertebral", "spine", "spinal", "compression"))


def explain(words: Sequence[Word], mentions: Sequence[Mention]) -> None:
    """ "Nodule, may be a nipple shadow" is a possible nodule; "volume loss" is atelectasis unless fibrosis or a scar explains it."""
    for place, mention in enumerate(mentions):
        if mention.concept == "~mimic" and mention.state in (LabelState.LIKELY, LabelState.POSSIBLE):
            for other in mentions[:place]:
                if other.concept in _MISTAKEN:
                    weaken(other, LabelState.POSSIBLE)
        elif mention.concept == "pleural_effusion" and mention.weak and mention.state is LabelState.POSSIBLE:
            # A blunted angle whose cause is named says nothing of fluid.
            if any(
                other.concept == "~scar" and other.state is not LabelState.ABSENT for other in mentions[place + 1 :]
            ):
                mention.state = None
        elif mention.concept == "~collapse":
            if _SPINE.isdisjoint(word.form for word in words):
                mention.concept = "atelectasis"
        elif mention.concept == "~volume_loss" and not any(other.concept in _SHRINKS for other in mentions):
            mention.concept = "atelectasis"

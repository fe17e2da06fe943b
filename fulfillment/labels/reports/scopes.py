"""How far "no", "likely", "history of" and their kind reach: cues and lists, in the manner of ConText, with scopes that follow
the comma.

A cue that looks forward governs what follows until its list or clause ends. At each separator the question is whether the
list goes on: "no X, Y, or Z" denies all three; "no X, small Y" denies the first; "no X and stable Y" too. A segment that
says how much of something there is, how it compares, or where the heart stands is a statement of its own. A cue that looks
back governs the list that ends before it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fulfillment.labels.reports.lexicon import lexicon
from fulfillment.labels.reports.mentions import ALTERNATIVES, Mention, weaken
from fulfillment.labels.reports.observations import VERBS, Item
from fulfillment.labels.reports.sentences import Word
from requests_app.taxonomy import FindingKind, LabelState, concepts

_SEPARATORS = frozenset((",", "and", "with", "plus")) | ALTERNATIVES
_DEVICES = frozenset(key for key, concept in concepts().items() if concept.kind is FindingKind.DEVICE)
#: Findings that do not pass: "prior rib fracture" is one of today.
_LASTING = _DEVICES | {"fracture", "rib_fracture", "clavicle_fracture", "hiatal_hernia", "hernia", "pulmonary_fibrosis"}
_LASTING |= {"emphysema", "copd", "~scar"}
_BACK_REACH = 10
_HEDGES = ("likely", "possible")


@dataclass(slots=True)
class _Scope:
    item: Item
    used: bool = False


@dataclass(slots=True)
class _Segment:
    kind: str
    mentions: bool = False
    asserts: bool = False
    sided: bool = False
    closes: bool = False  # an "or" closes the list that this segment belongs to


def settle(words: Sequence[Word], items: Sequence[Item], mentions: list[Mention]) -> None:
    """Give each mention of one sentence its state. `items` and `mentions` are in the order of their (head) words."""
    segments = _segments(words, items, mentions)
    at: dict[int, list[Mention]] = {}
    for mention in mentions:
        at.setdefault(mention.head, []).append(mention)
    starts = {item.first: item for item in items}
    active: dict[str, _Scope] = {}
    clause: list[Mention] = []
    waiting: list[_Scope] = []
    past = 0
    # Only where a phrase, a finding's head or a separator stands does anything change.
    for index in sorted(starts.keys() | at.keys() | segments.keys()):
        if index < past:
            continue
        for mention in at.get(index, ()):
            _close_run_on(mention, clause, active, words)
            _apply(mention, active, words)
            clause.append(mention)
        item = starts.get(index)
        if item is None:
            segment = segments.get(index)
            if segment is not None:
                for kind in [
                    kind for kind in active if not _goes_on(kind, segment, words[active[kind].item.first].form)
                ]:
                    del active[kind]
            continue
        meaning = item.meaning
        if meaning.ends:
            _look_back_unused(words, waiting, clause, item.first)
            # "Likely secondary to atelectasis": a hedge that has governed nothing yet passes on what is joined to it.
            active = {k: s for k, s in active.items() if k in _HEDGES and not s.used and s.item.last == item.first}
            clause = []
        denied_before = meaning.back in _DENYING and _directly_before(item, clause, words)
        if denied_before:
            _look_back(meaning.back, item, clause, words)
        elif meaning.forward == "known":
            active.pop("possible", None)
            active.pop("likely", None)
        elif meaning.forward and meaning.forward != "nothing":
            scope = _Scope(item)
            active[meaning.forward] = scope
            waiting.append(scope)
            if meaning.forward == "absent":
                active.pop("possible", None)
                active.pop("likely", None)
        if (
            not denied_before
            and meaning.back
            and (not meaning.forward or _nothing_follows(item, words, mentions, segments))
        ):
            _look_back(meaning.back, item, clause, words)
        # A mention whose head lies inside this phrase (its predicate) was met above when it starts there.
        for inner in range(index + 1, item.last):
            for mention in at.get(inner, ()):
                _apply(mention, active, words)
                clause.append(mention)
        past = item.last
    _look_back_unused(words, waiting, clause, len(words))


def _segments(words: Sequence[Word], items: Sequence[Item], mentions: Sequence[Mention]) -> dict[int, _Segment]:
    """What follows each separator, up to the next one or the clause's end."""
    if all(word.form not in _SEPARATORS for word in words):
        return {}
    inside = bytearray(len(words))
    known = lexicon().words
    asserting, sided = known["asserts"], known["sides"]
    ends, hedges = set(), set()
    for item in items:
        if item.meaning.ends:
            ends.add(item.first)
        elif item.meaning.forward and item.meaning.forward not in ("nothing", "absent"):
            hedges.add(item.first)
        for index in range(item.first, item.last):
            inside[index] = 1
    heads = {m.first for m in mentions} | {m.head for m in mentions}
    observed = {m.first for m in mentions if m.head != m.first and m.concept != "pleural_thickening"}
    found: dict[int, _Segment] = {}
    order: list[_Segment] = []
    current: _Segment | None = None
    previous = -2
    for index, word in enumerate(words):
        form = word.form
        if form in _SEPARATORS and not inside[index]:
            if current is not None and previous == index - 1 and form != "with":
                current.kind = form  # ", or" is an "or"
                found[index] = current
            else:
                current = _Segment(form)
                order.append(current)
                found[index] = current
            previous = index
            continue
        if current is None:
            continue
        if index in ends:
            current.kind += "|"  # nothing after this belongs to the list
            current = None
            continue
        if index in heads:
            current.mentions = True
        if (form in asserting and not (inside[index] and index in heads)) or index in hedges or index in observed:
            current.asserts = True
        elif form in sided:
            current.sided = True
    for one, following in zip(reversed(order[:-1]), reversed(order), strict=False):
        if one.kind.endswith("|") or one.asserts:
            continue
        one.closes = following.kind.rstrip("|") in ALTERNATIVES or (following.closes and not following.asserts)
    for one in order:
        one.kind = one.kind.rstrip("|")
    return found


#: What follows these is a list of possibilities, commas and all.
_LISTING = frozenset(("differential", "ddx", "considerations"))


def _goes_on(kind: str, segment: _Segment, cue: str) -> bool:
    """Whether a scope of `kind` reaches past the separator into the segment."""
    if segment.kind in ALTERNATIVES:
        return kind != "history" or not segment.asserts
    if segment.asserts:
        return False
    if segment.kind == "with":
        return kind in ("absent", "resolved") and not segment.sided
    if segment.kind == ",":
        if segment.closes:
            return True
        return (kind in ("absent", "asked", "resolved") or cue in _LISTING) and segment.mentions and not segment.sided
    return segment.closes or (segment.mentions and not segment.sided)


def _apply(mention: Mention, active: dict[str, _Scope], words: Sequence[Word]) -> None:
    if mention.settled:  # "normal" said of the heart is not undone by a "no" before it
        return
    for scope in active.values():
        scope.used = True
    if "absent" in active:
        mention.state = LabelState.ABSENT
    elif "resolved" in active:
        _say("resolved", mention)
    elif "asked" in active or ("history" in active and not _still_there(mention, active["history"].item, words)):
        mention.state = None
    elif "possible" in active:
        weaken(mention, LabelState.POSSIBLE)
    elif "likely" in active:
        weaken(mention, LabelState.LIKELY)


_JOINING = frozenset(
    ("to", "of", "for", "in", "as", "by", "at", "from", "suggest", "suggesting", "suggestive", "representing")
)


def _close_run_on(
    mention: Mention, clause: Sequence[Mention], active: dict[str, _Scope], words: Sequence[Word]
) -> None:
    """End a denial where dictation runs on without a comma: "no pneumothorax small left effusion heart enlarged"."""
    scope = active.get("absent")
    if scope is None or not scope.used or not clause or scope.item.first >= mention.first:
        return
    between = words[clause[-1].last : mention.first]
    # "No consolidation to suggest interval development of infection" is one denial; "no effusion heart enlarged" is two statements.
    if any(word.form in _SEPARATORS or word.form in _JOINING for word in between):
        return
    asserting = lexicon().words["asserts"]
    if mention.head != mention.first or any(word.form in asserting for word in between):
        del active["absent"]


def _still_there(mention: Mention, cue: Item, words: Sequence[Word]) -> bool:
    still = lexicon().words["still"]
    return (
        mention.concept in _LASTING
        or mention.first - cue.last > 5
        or any(word.form in still for word in words[: cue.first])
        or any(word.form in still for word in words[mention.last :])
    )


_DENYING = ("absent", "resolved")


def _directly_before(item: Item, clause: Sequence[Mention], words: Sequence[Word]) -> bool:
    """Whether a finding ends right before a denial, a verb aside: "effusion absent", "pneumonia resolved with ..."."""
    if not clause:
        return False
    between = words[clause[-1].last : item.first]
    return clause[-1].last <= item.first and all(word.form in _COPULAS or word.form == ":" for word in between)


def _nothing_follows(
    item: Item, words: Sequence[Word], mentions: Sequence[Mention], segments: dict[int, _Segment]
) -> bool:
    """Whether a cue that can look both ways has nothing to govern after it, and stands where a predicate does."""
    stop = min((at for at in segments if at >= item.last), default=len(words))
    if any(item.last <= mention.head < stop for mention in mentions):
        return False
    closes = item.last >= len(words) or words[item.last].form in _CLOSERS
    return closes or (item.first > 0 and words[item.first - 1].form in _COPULAS)


def _look_back(kind: str, cue: Item, clause: Sequence[Mention], words: Sequence[Word]) -> None:
    """A cue such as "has resolved" or "not seen": the mention before it, and the list that the mention ends."""
    right, joined = cue.first, False
    for mention in reversed(clause):
        if mention.last > cue.first or mention.settled:
            continue
        between = [word.form for word in words[mention.last : right]]
        first = right == cue.first
        if len(between) > (_BACK_REACH if first else 4):
            return
        if not first and between and (VERBS.intersection(between) or not _joins(between, joined)):
            return
        joined = joined or not first
        _say(kind, mention)
        right = mention.first


def _joins(between: Sequence[str], joined: bool) -> bool:
    """Whether the words between two findings make them one list: "and", "or", and a comma once one of these has been met."""
    return not _CONJUNCTIONS.isdisjoint(between) or (joined and "," in between)


def _say(kind: str, mention: Mention) -> None:
    if kind in ("absent", "resolved"):
        # A device taken out is not spoken of; an effusion that has gone is denied.
        mention.state = None if kind == "resolved" and mention.concept in _DEVICES else LabelState.ABSENT
    elif kind == "asked":
        mention.state = None
    elif kind in ("possible", "likely") and mention.state is not None:
        if mention.state is LabelState.ABSENT and kind == "possible":
            mention.state = LabelState.POSSIBLE
        else:
            weaken(mention, LabelState(kind))


_CONJUNCTIONS = ALTERNATIVES | {"and"}
_COPULAS = VERBS | {"be", "felt", "considered", "thought"}
_CLOSERS = frozenset(("be", "present", "exist", "coexist", "coexists", ",", ":", "also", "there", "have"))


def _look_back_unused(words: Sequence[Word], waiting: list[_Scope], clause: Sequence[Mention], end: int) -> None:
    """ "Atelectasis, likely." and "effusion may be present": a hedge that governs nothing after it governs what is before it."""
    for scope in waiting:
        if scope.used or not scope.item.meaning.forward:
            continue
        kind, item = scope.item.meaning.forward, scope.item
        if item.last == end and end < len(words):
            continue  # it is joined to what ends the clause and passes on: "may be due to"
        following = words[item.last].form if item.last < end else ","
        if (kind in ("likely", "possible") and following in _CLOSERS) or (
            kind == "absent" and item.last >= end and item.first and words[item.first - 1].form == ":"
        ):
            _look_back(kind, item, clause, words)
    waiting.clear()

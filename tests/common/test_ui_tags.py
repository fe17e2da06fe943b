"""The design system's tags for what people read: states, meters, times, numbers, blocks."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace

import pytest
import time_machine

from getdata.common.templatetags import ui_icons, ui_meter, ui_states
from tests.common.markup import Balance, show

NOW = dt.datetime(2026, 3, 10, 12, 0, tzinfo=dt.UTC)


# --- states ----------------------------------------------------------------------------------------------------------
#: DESIGN section 2, every entity.
DESIGNED = """
draft pending verified suspended rejected submitted open closed cancelled accepted declined withdrawn
expired active completed terminated sealed in_review returned received processing passed quarantined failed
published
"""


@pytest.mark.parametrize("name", DESIGNED.split())
def test_every_state_has_a_word_and_a_shape_beside_its_tone(name: str) -> None:
    assert name in ui_states.STATES
    html = show("{% state s %}", s=name)
    look = ui_states.STATES[name]
    assert f"tone-{look.tone}" in html and look.word in html and ui_states.SHAPES[look.shape] in html


def test_states_of_one_tone_that_could_be_confused_do_not_share_both_shape_and_word() -> None:
    looks = list(ui_states.STATES.values())
    assert len({(look.shape, look.word) for look in looks}) == len(looks)


def test_good_and_bad_never_share_a_shape() -> None:
    by_tone = {tone: {x.shape for x in ui_states.STATES.values() if x.tone == tone} for tone in ("good", "bad")}
    assert not by_tone["good"] & by_tone["bad"]


def test_an_unknown_state_is_shown_plainly_with_its_own_name() -> None:
    html = show("{% state 'awaiting_ethics' %}")
    assert "Awaiting ethics" in html and "tone-plain" in html


def test_a_state_takes_an_enum_and_another_word() -> None:
    class Status(str):
        value = "in_review"

    assert "In review" in show("{% state s %}", s=Status("x"))
    assert "Open for offers" in show("{% state 'open' 'Open for offers' %}")


def test_every_icon_is_hidden_from_screen_readers() -> None:
    for name in ui_icons.ICONS:
        assert 'aria-hidden="true"' in ui_icons.icon(name)


# --- meter -----------------------------------------------------------------------------------------------------------
def test_the_meter_is_drawn_to_scale_and_says_itself_in_words() -> None:
    html = show("{% meter needed=1000 offered=800 received=530 accepted=412 label='AP' %}")
    assert 'class="m-accepted" width="41.20%"' in html
    assert 'class="m-received" width="53.00%"' in html
    assert 'class="m-offered" x1="0" x2="80.00%"' in html
    assert 'class="m-need" x1="100.00%"' in html
    assert "412 of 1,000 images accepted; 530 received; 800 offered; 588 still to accept" in html


def test_when_more_is_offered_than_needed_the_mark_moves_in() -> None:
    meter = ui_meter.Meter(needed=1000, offered=1250, received=0, accepted=0)
    assert (meter.needed_at, meter.offered_to) == ("80.00%", "100.00%")
    assert meter.unoffered == 0


@pytest.mark.parametrize(("needed", "accepted", "said"), [(1000, 999, "99 %"), (1000, 1000, "100 %"), (0, 0, "–")])
def test_a_meter_says_full_only_when_it_is(needed: int, accepted: int, said: str) -> None:
    meter = ui_meter.Meter(needed=needed, offered=0, received=0, accepted=accepted)
    assert meter.percent == said
    assert meter.filled is (said == "100 %")


def test_an_empty_meter_does_not_divide_by_zero() -> None:
    assert "0 of 0 images accepted" in show("{% meter needed=0 %}")


def test_a_meter_without_legend_carries_its_words_as_accessible_name() -> None:
    html = show("{% meter needed=10 accepted=4 legend=False label='LL' %}")
    assert re.search(r'role="img" aria-label="LL: 4 of 10 images accepted', html)


def test_a_meter_takes_objects_and_mappings_alike() -> None:
    cell = {"label": "PA", "needed": 5, "offered": 4, "received": 3, "accepted": 2, "unit": "studies"}
    assert show("{% meter c %}", c=cell) == show("{% meter c %}", c=SimpleNamespace(**cell))


def test_the_quota_table_has_a_row_a_cell_and_its_numbers_in_text() -> None:
    html = show("{% quota_table cells 'Quotas' %}", cells=[{"label": "PA <b>", "needed": 1200, "level": "must"}])
    assert "PA &lt;b&gt;" in html and '<td class="num" data-label="Needed">1,200</td>' in html and "Must" in html


# --- time and numbers ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("delta", "said"),
    [
        (dt.timedelta(seconds=20), "just now"),
        (dt.timedelta(seconds=50), "1 minute ago"),
        (dt.timedelta(minutes=59), "59 minutes ago"),
        (dt.timedelta(hours=1), "1 hour ago"),
        (dt.timedelta(days=3, hours=5), "3 days ago"),
        (dt.timedelta(days=-2, hours=-1), "in 2 days"),
        (dt.timedelta(days=40), "29 Jan 2026"),
    ],
)
def test_a_time_says_how_long_ago_and_exactly_when_on_hover(delta: dt.timedelta, said: str) -> None:
    with time_machine.travel(NOW, tick=False):
        html = show("{% ago t %}", t=NOW - delta)
    assert f">{said}</time>" in html
    moment = NOW - delta
    assert f'datetime="{moment.isoformat()}"' in html and f"{moment:%H:%M} UTC" in html


def test_dates_are_told_in_days() -> None:
    with time_machine.travel(NOW, tick=False):
        assert ">today</time>" in show("{% ago t %}", t=NOW.date())
        assert ">1 day ago</time>" in show("{% ago t %}", t=NOW.date() - dt.timedelta(days=1))


def test_no_time_is_said_in_words() -> None:
    assert show("{% ago t %}", t=None) == "never"
    assert show("{% when t %}", t=None) == "not yet"


def test_a_deadline_that_has_passed_is_said_in_word_and_shape() -> None:
    with time_machine.travel(NOW, tick=False):
        assert "Overdue" in show("{% due t %}", t=NOW - dt.timedelta(hours=2))
        assert "Overdue" not in show("{% due t %}", t=NOW + dt.timedelta(hours=2))
        assert "Overdue" not in show("{% due t %}", t=NOW.date())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("{{ 12345|num }}", "12,345"),
        ("{{ x|num }}", "–"),
        ("{{ 'n/a'|num }}", "n/a"),
        ('{{ 1|counted:"study,studies" }}', "1 study"),
        ('{{ 2400|counted:"image" }}', "2,400 images"),
        ("{{ 0.4375|percent:1 }}", "43.8 %"),
        ("{{ 10240000|bytesize }}", "10.2 MB"),
        ("{{ 1|bytesize }}", "1 byte"),
        ("{{ 'Ada Lovelace'|initials }}", "AL"),
        ("{{ 'ada@example.org'|initials }}", "A"),
    ],
)
def test_numbers_are_grouped_and_have_units(source: str, said: str) -> None:
    assert show(source, x=None) == said


# --- blocks ----------------------------------------------------------------------------------------------------------
def test_blocks_escape_their_titles_and_keep_their_content() -> None:
    html = show("{% callout 'warn' t %}<p>{{ t }}</p>{% endcallout %}", t="<b>")
    assert html.count("&lt;b&gt;") == 2 and "<p>" in html and "Warning: " in html


def test_blocks_nest() -> None:
    rows = "<tbody>{% for x in xs %}<tr><td>{% state x %}</td></tr>{% empty %}none{% endfor %}</tbody>"
    html = show("{% section 'A' %}{% table 'T' %}" + rows + "{% endtable %}{% endsection %}", xs=["open"])
    tree = Balance()
    tree.feed(html)
    assert not tree.stack and "Open" in html


def test_a_scrolling_table_can_be_reached_by_keyboard() -> None:
    html = show("{% table 'Wide' scroll=True %}<tbody></tbody>{% endtable %}")
    assert 'tabindex="0"' in html and 'role="region"' in html


def test_a_copy_button_points_at_its_text() -> None:
    html = show("{% code_block 'Pull' %}getdata pull 1 > out{% endcode_block %}")
    target = re.search(r'data-copy="#([^"]+)"', html)
    assert target is not None and f'id="{target[1]}"' in html


def test_a_file_row_says_cause_and_remedy_only_when_something_is_wrong() -> None:
    bad = show("{% file_row 'a.dcm' 'rejected' size=1000 cause='No view.' remedy='Add it.' code='VIEW_MISSING' %}")
    assert "Cause" in bad and "What to do" in bad and "VIEW_MISSING" in bad
    assert "Cause" not in show("{% file_row 'a.dcm' 'passed' %}")


def test_steps_mark_where_one_is() -> None:
    inner = "{% step 'Offer' 'done' %}{% step 'Upload' 'current' %}{% step 'Review' %}"
    html = show("{% steps 'Delivery' %}" + inner + "{% endsteps %}")
    assert html.count('aria-current="step"') == 1 and "(Not started)" in html


def test_messages_stand_in_a_live_region_that_is_there_before_them() -> None:
    empty = show("{% include 'components/toasts.html' %}")
    assert 'role="status"' in empty and 'id="toasts"' in empty
    message = SimpleNamespace(level_tag="error", __str__=lambda self: "x")
    assert "Error: " in show("{% include 'components/toasts.html' %}", messages=[message])

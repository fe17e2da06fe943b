"""What can go wrong between two requests: racing parts, dying servers, broken connections, abandoned transfers."""

from __future__ import annotations

import io
import os
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from fulfillment.models import Batch, SourceFile, SourceFileStatus, Upload, UploadStatus
from fulfillment.uploads import append, create_upload, finish, staging, sweep
from fulfillment.uploads.body import Body, Interrupted
from fulfillment.uploads.sweep import ORPHAN_AFTER_SECONDS
from fulfillment.uploads.transfers import uploads_of
from getdata.audit.models import AuditEvent
from getdata.common.problems import CannotDo
from getdata.common.states import IllegalTransition, StaleState, transition
from tests.fulfillment.uploads.conftest import Scene, Tus, checksum

pytestmark = pytest.mark.django_db
DATA = os.urandom(300_000)


def upload(scene: Scene, length: int = len(DATA), name: str = "a.dcm") -> Upload:
    return create_upload(batch=scene.batch, actor=scene.manager, name=name, length=length)


def part(data: bytes, announced: int | None = -1) -> Body:
    return Body(io.BytesIO(data), len(data) if announced == -1 else announced)


class Racing:
    """A body during whose reading something else happens."""

    def __init__(self, data: bytes, meanwhile: Any) -> None:
        self.data, self.meanwhile = io.BytesIO(data), meanwhile

    def read(self, size: int = -1) -> bytes:
        if self.meanwhile is not None:
            happening, self.meanwhile = self.meanwhile, None
            happening()
        return self.data.read(size)


def test_two_parts_at_once_one_is_locked_out_and_the_file_is_whole(scene: Scene, tus: Tus) -> None:
    made = upload(scene)
    url = f"/api/v1/uploads/{made.pk}"
    answers = []

    def second() -> None:
        answers.append(tus.patch(url, 0, DATA))

    body = Body(Racing(DATA, second), len(DATA))
    done = append(upload=made, actor=scene.manager, offset=0, body=body)
    assert answers[0].status_code == 423
    assert answers[0].json()["code"] == "upload_busy"
    assert done.status == UploadStatus.COMPLETE
    assert staging.path(SourceFile.objects.get().staged).read_bytes() == DATA


def test_an_offset_that_moved_while_the_request_was_on_its_way_is_a_conflict(scene: Scene) -> None:
    made = upload(scene)
    stale = Upload.objects.select_related("batch__fulfillment__hospital").get(pk=made.pk)
    append(upload=made, actor=scene.manager, offset=0, body=part(DATA[:1000]))
    with pytest.raises(CannotDo) as refusal:
        append(upload=stale, actor=scene.manager, offset=0, body=part(DATA[:1000]))
    assert refusal.value.code == "offset_mismatch"


def test_a_termination_during_a_part_wins(scene: Scene, tus: Tus) -> None:
    made = upload(scene)
    body = Body(Racing(DATA, lambda: tus.delete(f"/api/v1/uploads/{made.pk}")), len(DATA))
    with pytest.raises(CannotDo) as refusal:
        append(upload=made, actor=scene.manager, offset=0, body=body)
    assert refusal.value.code == "upload_gone"
    assert not SourceFile.objects.exists()
    assert list(staging.folder().iterdir()) == []


def test_a_broken_connection_keeps_what_arrived(scene: Scene) -> None:
    made = upload(scene)
    with pytest.raises(CannotDo) as refusal:
        append(upload=made, actor=scene.manager, offset=0, body=part(DATA[:70_000], announced=len(DATA)))
    assert refusal.value.code == "interrupted"
    made = Upload.objects.select_related("batch__fulfillment__hospital").get(pk=made.pk)
    assert made.offset == 70_000
    done = append(upload=made, actor=scene.manager, offset=70_000, body=part(DATA[70_000:]))
    assert done.status == UploadStatus.COMPLETE
    assert staging.path(SourceFile.objects.get().staged).read_bytes() == DATA


def test_a_broken_connection_of_a_part_with_a_checksum_keeps_nothing_of_it(scene: Scene) -> None:
    from fulfillment.uploads.tus import parse_checksum

    made = upload(scene)
    with pytest.raises(CannotDo):
        append(
            upload=made,
            actor=scene.manager,
            offset=0,
            body=part(DATA[:70_000], announced=len(DATA)),
            checksum=parse_checksum(checksum(DATA)),
        )
    assert Upload.objects.get().offset == 0
    assert staging.size(str(made.pk)) == 0


def test_a_chunked_body_without_a_length_is_read_to_its_end(scene: Scene) -> None:
    done = append(upload=upload(scene), actor=scene.manager, offset=0, body=part(DATA, announced=None))
    assert done.status == UploadStatus.COMPLETE


def test_a_chunked_body_longer_than_the_file_is_cut_off(scene: Scene) -> None:
    made = upload(scene, length=100_000)
    with pytest.raises(CannotDo) as refusal:
        append(upload=made, actor=scene.manager, offset=0, body=part(DATA, announced=None))
    assert refusal.value.code == "too_large"
    assert Upload.objects.get().offset == 0


def test_bytes_that_were_written_but_never_counted_are_overwritten(scene: Scene) -> None:
    made = upload(scene)
    staging.path(str(made.pk)).write_bytes(b"left by a server that died" * 20_000)
    append(upload=made, actor=scene.manager, offset=0, body=part(DATA))
    assert staging.path(SourceFile.objects.get().staged).read_bytes() == DATA


def test_bytes_that_were_counted_but_lost_are_asked_for_again(scene: Scene, tus: Tus) -> None:
    made = upload(scene)
    append(upload=made, actor=scene.manager, offset=0, body=part(DATA[:9000]))
    os.truncate(staging.path(str(made.pk)), 4000)
    assert tus.head(f"/api/v1/uploads/{made.pk}")["Upload-Offset"] == "4000"


def test_a_part_is_never_appended_behind_lost_bytes(scene: Scene) -> None:
    made = append(upload=upload(scene), actor=scene.manager, offset=0, body=part(DATA[:9000]))
    os.truncate(staging.path(str(made.pk)), 4000)
    with pytest.raises(CannotDo) as refusal:
        append(upload=made, actor=scene.manager, offset=9000, body=part(DATA[9000:]))
    assert refusal.value.code == "offset_mismatch"
    assert Upload.objects.get().offset == 4000


def test_a_server_that_died_at_the_last_step_is_made_up_for_when_asked(scene: Scene, tus: Tus) -> None:
    made = upload(scene)
    staging.path(str(made.pk)).write_bytes(DATA)
    Upload.objects.update(offset=len(DATA))
    answer = tus.head(f"/api/v1/uploads/{made.pk}")
    assert answer["Upload-Offset"] == str(len(DATA))
    assert answer["GetDATA-Outcome"] == "taken"
    assert SourceFile.objects.count() == 1
    finish(upload=Upload.objects.get(), actor=None)
    assert SourceFile.objects.count() == 1


def test_the_same_file_sent_twice_is_taken_in_once(tus: Tus) -> None:
    first, second = tus.send("f/a.dcm", DATA), tus.send("f/a.dcm", DATA)
    assert (first["GetDATA-Outcome"], second["GetDATA-Outcome"]) == ("taken", "already_here")
    assert first["GetDATA-File"] == second["GetDATA-File"]
    assert SourceFile.objects.count() == 1
    assert len(list(staging.folder().iterdir())) == 1


def test_the_same_content_under_two_names_is_two_files(tus: Tus) -> None:
    tus.send("a.dcm", DATA)
    tus.send("b.dcm", DATA)
    assert sorted(SourceFile.objects.values_list("number", flat=True)) == [1, 2]


def test_a_withdrawn_file_may_be_sent_again(tus: Tus, scene: Scene) -> None:
    tus.send("a.dcm", DATA)
    SourceFile.objects.update(status=SourceFileStatus.WITHDRAWN)
    assert tus.send("a.dcm", DATA)["GetDATA-Outcome"] == "taken"


@pytest.mark.parametrize("status", ["rejected", "quarantined", "failed"])
def test_a_corrected_file_takes_the_place_of_one_that_did_not_pass(tus: Tus, status: str) -> None:
    tus.send("a.dcm", DATA)
    SourceFile.objects.update(status=status, reason="SOMETHING")
    tus.send("a.dcm", DATA[::-1])
    old, new = SourceFile.objects.order_by("number")
    assert (old.status, old.reason) == ("withdrawn", "REPLACED")
    assert "File 2" in old.findings[0]["message"]
    assert new.status == "received"


def test_a_passed_file_is_not_replaced_by_a_new_one_of_its_name(tus: Tus) -> None:
    tus.send("a.dcm", DATA)
    SourceFile.objects.update(status="passed")
    tus.send("a.dcm", DATA[::-1])
    assert list(SourceFile.objects.order_by("number").values_list("status", flat=True)) == ["passed", "received"]


def test_an_abandoned_transfer_of_the_same_file_ends_when_its_twin_arrives(tus: Tus) -> None:
    lost = tus.create("a.dcm", len(DATA), DATA[:10])["Location"]
    tus.send("a.dcm", DATA)
    assert tus.head(lost).status_code == 410


def test_a_file_in_work_is_announced_to_the_workers(
    scene: Scene, tus: Tus, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    rung: list[tuple[str, ...]] = []
    monkeypatch.setattr("getdata.common.queue.ring", lambda *args: rung.append(args))
    with django_capture_on_commit_callbacks(execute=True):
        tus.send("a.dcm", DATA)
    assert ("fulfillment.process_task",) in rung


def test_taking_a_file_in_is_recorded_without_its_name(tus: Tus) -> None:
    tus.send("Meier^Anna.dcm", DATA)
    event = AuditEvent.objects.get(verb="sourcefile.received")
    assert event.data["number"] == 1
    assert not AuditEvent.objects.filter(data__icontains="Meier").exists()


def test_the_sweeper_ends_what_expired_and_removes_orphans_but_nothing_else(scene: Scene, tus: Tus) -> None:
    live = tus.create("live.dcm", len(DATA), DATA[:10])["Location"]
    expired = upload(scene, name="old.dcm")
    Upload.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    tus.send("waiting.dcm", DATA)
    young, orphan = staging.create(), staging.create()
    foreign = staging.folder() / "not-ours.txt"
    foreign.write_text("stays")
    long_ago = time.time() - ORPHAN_AFTER_SECONDS - 60
    for path in staging.folder().iterdir():
        if path.name != young:
            os.utime(path, (long_ago, long_ago))
    swept = sweep()
    assert (swept.expired, swept.orphans) == (1, 1)
    kept = {path.name for path in staging.folder().iterdir()}
    assert kept == {live.rsplit("/")[-1], SourceFile.objects.get().staged, young, "not-ours.txt"}
    assert orphan not in kept
    again = sweep()
    assert (again.finished, again.expired, again.orphans) == (0, 0, 0)


def test_the_sweeper_finishes_a_transfer_whose_bytes_are_all_here(scene: Scene) -> None:
    made = upload(scene)
    staging.path(str(made.pk)).write_bytes(DATA)
    Upload.objects.update(offset=len(DATA))
    assert sweep().finished == 1
    assert SourceFile.objects.get().size == len(DATA)


def test_the_sweeper_forgets_finished_transfers_after_a_week(tus: Tus) -> None:
    tus.send("a.dcm", DATA)
    Upload.objects.update(expires_at=timezone.now() - timedelta(days=6))
    assert sweep().forgotten == 0
    Upload.objects.update(expires_at=timezone.now() - timedelta(days=8))
    assert sweep().forgotten == 1
    assert SourceFile.objects.count() == 1


def test_unfinished_transfers_are_those_that_can_be_gone_on_with(scene: Scene) -> None:
    made, expired = upload(scene), upload(scene, name="b.dcm")
    Upload.objects.filter(pk=expired.pk).update(expires_at=timezone.now())
    assert list(uploads_of(scene.batch)) == [made]


@pytest.mark.parametrize("source", UploadStatus.values)
@pytest.mark.parametrize("target", UploadStatus.values)
def test_every_pair_of_upload_states(scene: Scene, source: str, target: str) -> None:
    made = upload(scene)
    Upload.objects.filter(pk=made.pk).update(status=source)
    if target in Upload.TRANSITIONS[source]:
        assert transition(Upload, made.pk, source, target, actor=None).status == target
        with pytest.raises(StaleState):
            transition(Upload, made.pk, source, target, actor=None)
    else:
        with pytest.raises(IllegalTransition):
            transition(Upload, made.pk, source, target, actor=None)


@pytest.mark.pure
def test_a_body_that_ends_early_is_interrupted() -> None:
    body = Body(io.BytesIO(b"12345"), 10)
    assert body.read() == b"12345"
    with pytest.raises(Interrupted):
        body.read()


@pytest.mark.pure
def test_a_body_never_reads_beyond_what_was_announced() -> None:
    assert b"".join(Body(io.BytesIO(b"0123456789next request"), 10).blocks()) == b"0123456789"


@pytest.mark.pure
def test_a_large_body_is_read_in_small_blocks() -> None:
    asked: list[int] = []

    class Counting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size or 0)
            return super().read(size)

    list(Body(Counting(b"x" * 1_000_000), 1_000_000).blocks())
    assert max(asked) <= 256 * 1024


def test_a_batch_that_was_sealed_meanwhile_takes_nothing_in(scene: Scene) -> None:
    made = upload(scene)

    def seal() -> None:
        Batch.objects.filter(pk=scene.batch.pk).update(status="sealed")

    with pytest.raises(CannotDo) as refusal:
        append(upload=made, actor=scene.manager, offset=0, body=Body(Racing(DATA, seal), len(DATA)))
    assert refusal.value.code == "batch_not_writable"
    assert not SourceFile.objects.exists()
    assert list(staging.folder().iterdir()) == []

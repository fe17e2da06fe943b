"""What the API says about deliveries. Original names and sizes go to the batch's hospital only."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from fulfillment.ledger import progress
from fulfillment.models import Batch, Fulfillment, Image
from fulfillment.services.file_lists import FileRow, plain_finding
from fulfillment.uploads import rights


class FindingSerializer(serializers.Serializer[Any]):
    """One remark: what, how binding, why, and what to do."""

    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=["must", "should", "info"])
    cause = serializers.CharField()
    remedy = serializers.CharField(allow_blank=True)
    tag = serializers.CharField(allow_blank=True, help_text="DICOM keyword concerned, or empty")
    check_id = serializers.CharField(allow_blank=True, help_text="line of the specification, or empty")


class ProgressSerializer(serializers.Serializer[Any]):
    """How far the work on a batch is, counted from its files. Withdrawn files do not count."""

    total = serializers.IntegerField()
    settled = serializers.IntegerField()
    by_status = serializers.DictField(child=serializers.IntegerField())
    by_reason = serializers.DictField(child=serializers.IntegerField())
    is_settled = serializers.BooleanField()


class FulfillmentSerializer(serializers.ModelSerializer[Fulfillment]):
    request = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    request_title = serializers.CharField(source="request.title", read_only=True)
    hospital = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)

    class Meta:
        model = Fulfillment
        fields = [
            "id",
            "request",
            "request_title",
            "hospital",
            "offer",
            "status",
            "status_note",
            "created_at",
            "ended_at",
        ]
        read_only_fields = fields


class BatchSerializer(serializers.ModelSerializer[Batch]):
    spec_version = serializers.IntegerField(source="spec_version.number", read_only=True)
    progress = serializers.SerializerMethodField()
    findings = serializers.SerializerMethodField()
    writable = serializers.SerializerMethodField(help_text="you may add files now")

    class Meta:
        model = Batch
        fields = [
            "id",
            "fulfillment",
            "number",
            "name",
            "status",
            "spec_version",
            "created_at",
            "sealed_at",
            "review_due_at",
            "decided_at",
            "writable",
            "progress",
            "findings",
        ]
        read_only_fields = fields

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, batch: Batch) -> Any:
        return ProgressSerializer(progress(batch)).data

    @extend_schema_field(FindingSerializer(many=True))
    def get_findings(self, batch: Batch) -> list[dict[str, str]]:
        return [plain_finding(finding) for finding in batch.findings]

    def get_writable(self, batch: Batch) -> bool:
        return rights.may_add_files(self.context["request"].user, batch)


class NewBatchSerializer(serializers.Serializer[Any]):
    """What a new batch needs."""

    fulfillment = serializers.PrimaryKeyRelatedField[Any](queryset=Fulfillment.objects.none())
    name = serializers.CharField(max_length=120, help_text="for people; no patient data")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        request = self.context.get("request")
        if request is not None:
            self.fields["fulfillment"].queryset = Fulfillment.objects.visible_to(request.user)  # type: ignore[attr-defined]


class FileSerializer(serializers.Serializer[FileRow]):
    """One file that was sent."""

    id = serializers.UUIDField(source="file.pk")
    batch = serializers.UUIDField(source="file.batch_id")
    number = serializers.IntegerField(source="file.number")
    kind = serializers.CharField(source="file.kind")
    status = serializers.CharField(source="file.status")
    reason = serializers.CharField(source="file.reason")
    findings = FindingSerializer(source="causes", many=True)
    attempts = serializers.IntegerField(source="file.attempts")
    created_at = serializers.DateTimeField(source="file.created_at")
    settled_at = serializers.DateTimeField(source="file.settled_at", allow_null=True)
    image = serializers.UUIDField(source="image_id", allow_null=True)
    original_name = serializers.SerializerMethodField(help_text="for hospital members who may see the quarantine")
    size = serializers.SerializerMethodField(help_text="bytes of the original; for the same people")

    def get_original_name(self, row: FileRow) -> str | None:
        return row.name or None

    def get_size(self, row: FileRow) -> int | None:
        return row.file.size if row.name else None


class ImageSerializer(serializers.ModelSerializer[Image]):
    """A de-identified image. Every UID is a replaced one."""

    batch = serializers.UUIDField(source="source.batch_id", read_only=True)
    file_number = serializers.IntegerField(source="source.number", read_only=True)
    patient = serializers.CharField(source="series.study.patient.pseudonym", read_only=True)
    findings = serializers.SerializerMethodField()
    quality = serializers.SerializerMethodField(help_text="total of the latest score, 0 to 100")

    class Meta:
        model = Image
        fields = [
            "id",
            "batch",
            "file_number",
            "patient",
            "sop_instance_uid",
            "view",
            "sex",
            "age_years",
            "size",
            "output_sha256",
            "conforms",
            "quality",
            "facts",
            "findings",
            "masks",
        ]
        read_only_fields = fields

    @extend_schema_field(FindingSerializer(many=True))
    def get_findings(self, image: Image) -> list[dict[str, str]]:
        return [plain_finding(finding) for finding in image.findings]

    def get_quality(self, image: Image) -> float | None:
        scores = list(image.scores.all())
        return round(scores[0].total, 1) if scores else None


class KnownFileSerializer(serializers.Serializer[Any]):
    """A file the sender has: the server says whether it needs it."""

    relative_path = serializers.CharField(max_length=1024, trim_whitespace=False)
    size = serializers.IntegerField(min_value=0)
    modified = serializers.CharField(max_length=32, required=False, default="", allow_blank=True)
    sha256 = serializers.RegexField(r"^[0-9a-f]{64}$", required=False, default="", allow_blank=True)


class KnownFilesSerializer(serializers.Serializer[Any]):
    """At most 500 files a request."""

    files = KnownFileSerializer(many=True, max_length=500)  # type: ignore[call-arg]


class KnownAnswerSerializer(serializers.Serializer[Any]):
    """``new``: send it. ``resume``: go on at ``offset``. ``compare``: ask again with ``sha256``. ``here``: leave it."""

    state = serializers.ChoiceField(choices=["new", "resume", "compare", "here"])
    upload = serializers.CharField(allow_blank=True, help_text="address of the transfer to go on with")
    offset = serializers.IntegerField()
    number = serializers.IntegerField(allow_null=True, help_text="the file's number, when it is here")
    status = serializers.CharField(allow_blank=True, help_text="its state, when it is here")


class KnownAnswersSerializer(serializers.Serializer[Any]):
    """Answers in the order of the question."""

    files = KnownAnswerSerializer(many=True)


class UploadSerializer(serializers.Serializer[Any]):
    """A transfer that is not finished."""

    url = serializers.CharField()
    relative_path = serializers.CharField()
    length = serializers.IntegerField()
    offset = serializers.IntegerField()
    status = serializers.CharField()
    expires_at = serializers.DateTimeField()
    file = FileSerializer(allow_null=True)


class TakenSerializer(serializers.Serializer[Any]):
    """What became of one file of a one-shot request."""

    outcome = serializers.ChoiceField(choices=["taken", "already_here", "refused"])
    name = serializers.CharField()
    file = FileSerializer(allow_null=True)
    code = serializers.CharField(allow_blank=True)
    detail = serializers.CharField(allow_blank=True)
    remedy = serializers.CharField(allow_blank=True)


class TakenListSerializer(serializers.Serializer[Any]):
    """One line a file, in the order they came."""

    files = TakenSerializer(many=True)

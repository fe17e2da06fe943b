"""What is delivered: the models of fulfillment, by subject."""

from fulfillment.models.access import AccessGrant, Attestation, DownloadedFile, DownloadEvent, GrantedUser
from fulfillment.models.audits import AuditResult
from fulfillment.models.custody import Clearance, Occasion, OriginalsDestruction, SealingKey
from fulfillment.models.delivery import (
    TABLES,
    UNCOUNTED,
    Batch,
    BatchStatus,
    Fulfillment,
    FulfillmentStatus,
    PseudonymKey,
    SourceFile,
    SourceFileStatus,
    SourceKind,
    Upload,
    UploadStatus,
)
from fulfillment.models.duplicates import DuplicateDecision, ImageFingerprint
from fulfillment.models.evidence import EvidencePack
from fulfillment.models.imaging import DuplicateHit, Image, Patient, QualityScore, Series, Study
from fulfillment.models.incidents import (
    Incident,
    IncidentEntry,
    IncidentKind,
    IncidentParty,
    IncidentScope,
    IncidentStatus,
)
from fulfillment.models.inspection import DeskClaim, ImageLook, Inspection, InspectionItem
from fulfillment.models.label_imports import LabelImport, LabelImportStatus, LabelMapping
from fulfillment.models.labels import Annotation, AnnotationKind, Label, Laterality
from fulfillment.models.outcome import (
    NOT_OUT,
    PendingNote,
    Release,
    ReleaseItem,
    ReleaseStatus,
    ReleaseUndo,
    Review,
    ReviewNote,
)
from fulfillment.models.proof import DeidCertificate
from fulfillment.models.published import (
    PublishedDecision,
    PublishedHit,
    PublishedImage,
    PublishedSet,
    PublishedSetStatus,
)
from fulfillment.models.release_files import ReleaseFile
from fulfillment.models.reports import Report, ReportState
from fulfillment.models.rereading import Rereading, RereadingAnswer, RereadingItem
from fulfillment.models.senders import DicomSender
from fulfillment.models.withdrawals import (
    DestructionAttestation,
    DestructionDuty,
    DutyStatus,
    Withdrawal,
    WithdrawalStatus,
    WithdrawnImage,
)
from fulfillment.models.work import Pulse, Turn

__all__ = [
    "NOT_OUT",
    "TABLES",
    "UNCOUNTED",
    "AccessGrant",
    "Annotation",
    "AnnotationKind",
    "Attestation",
    "AuditResult",
    "Batch",
    "BatchStatus",
    "Clearance",
    "DeidCertificate",
    "DeskClaim",
    "DestructionAttestation",
    "DestructionDuty",
    "DicomSender",
    "DownloadEvent",
    "DownloadedFile",
    "DuplicateDecision",
    "DuplicateHit",
    "DutyStatus",
    "EvidencePack",
    "Fulfillment",
    "FulfillmentStatus",
    "GrantedUser",
    "Image",
    "ImageFingerprint",
    "ImageLook",
    "Incident",
    "IncidentEntry",
    "IncidentKind",
    "IncidentParty",
    "IncidentScope",
    "IncidentStatus",
    "Inspection",
    "InspectionItem",
    "Label",
    "LabelImport",
    "LabelImportStatus",
    "LabelMapping",
    "Laterality",
    "Occasion",
    "OriginalsDestruction",
    "Patient",
    "PendingNote",
    "PseudonymKey",
    "PublishedDecision",
    "PublishedHit",
    "PublishedImage",
    "PublishedSet",
    "PublishedSetStatus",
    "Pulse",
    "QualityScore",
    "Release",
    "ReleaseFile",
    "ReleaseItem",
    "ReleaseStatus",
    "ReleaseUndo",
    "Report",
    "ReportState",
    "Rereading",
    "RereadingAnswer",
    "RereadingItem",
    "Review",
    "ReviewNote",
    "SealingKey",
    "Series",
    "SourceFile",
    "SourceFileStatus",
    "SourceKind",
    "Study",
    "Turn",
    "Upload",
    "UploadStatus",
    "Withdrawal",
    "WithdrawalStatus",
    "WithdrawnImage",
]

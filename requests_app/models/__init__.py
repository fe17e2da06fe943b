"""What is wanted: requests and their frozen specifications, offers, agreements and their signatures."""

from requests_app.models.agreement import Agreement, AgreementQuerySet, Signature
from requests_app.models.capability import CapabilityProfile
from requests_app.models.drafting import LIVE_AMENDMENT, Amendment, AmendmentStatus, Coauthor
from requests_app.models.feasibility import Feasibility
from requests_app.models.message import Message, MessageQuerySet, ThreadMark
from requests_app.models.offer import Offer, OfferQuerySet, OfferStatus
from requests_app.models.question import EDIT_WINDOW, HiddenReason, Question, QuestionQuerySet
from requests_app.models.request import (
    PUBLIC_STATUSES,
    Category,
    DatasetRequest,
    DatasetRequestQuerySet,
    RequestFacet,
    RequestStatus,
    SpecVersion,
)

__all__ = [
    "EDIT_WINDOW",
    "LIVE_AMENDMENT",
    "PUBLIC_STATUSES",
    "Agreement",
    "AgreementQuerySet",
    "Amendment",
    "AmendmentStatus",
    "CapabilityProfile",
    "Category",
    "Coauthor",
    "DatasetRequest",
    "DatasetRequestQuerySet",
    "Feasibility",
    "HiddenReason",
    "Message",
    "MessageQuerySet",
    "Offer",
    "OfferQuerySet",
    "OfferStatus",
    "Question",
    "QuestionQuerySet",
    "RequestFacet",
    "RequestStatus",
    "Signature",
    "SpecVersion",
    "ThreadMark",
]

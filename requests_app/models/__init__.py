"""What is wanted: requests and their frozen specifications, offers, agreements and their signatures."""

from requests_app.models.agreement import Agreement, AgreementQuerySet, Signature
from requests_app.models.capability import CapabilityProfile
from requests_app.models.drafting import LIVE_AMENDMENT, Amendment, AmendmentStatus, Coauthor
from requests_app.models.feasibility import Feasibility
from requests_app.models.listing import CatalogueChange, CatalogueState, RequestListing
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
from requests_app.models.saved_search import Pace, SavedSearch, SavedSearchQuerySet

__all__ = [
    "EDIT_WINDOW",
    "LIVE_AMENDMENT",
    "PUBLIC_STATUSES",
    "Agreement",
    "AgreementQuerySet",
    "Amendment",
    "AmendmentStatus",
    "CapabilityProfile",
    "CatalogueChange",
    "CatalogueState",
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
    "Pace",
    "Question",
    "QuestionQuerySet",
    "RequestFacet",
    "RequestListing",
    "RequestStatus",
    "SavedSearch",
    "SavedSearchQuerySet",
    "Signature",
    "SpecVersion",
    "ThreadMark",
]

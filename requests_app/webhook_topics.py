"""What webhooks can be told of requests, offers, agreements, questions and messages, and who is told."""

from __future__ import annotations

from django.urls import reverse

from getdata.webhooks.topics import About, Topic, register
from requests_app.models import Agreement, DatasetRequest, Message, Offer, Question


def about_request(request: DatasetRequest) -> About:
    return About(
        kind="request",
        parties=(request.organization_id,),
        page=request.get_absolute_url(),
        api=reverse("api-request-detail", args=[request.slug]),
    )


def about_request_and_offers(request: DatasetRequest) -> About:
    """Also told to hospitals with an offer."""
    about = about_request(request)
    return About(about.kind, (*about.parties, *_offering(request)), about.page, about.api)


def about_offer(offer: Offer) -> About:
    return About(
        kind="offer",
        parties=(offer.request.organization_id, offer.hospital_id),
        page=offer.get_absolute_url(),
        api=reverse("api-offer-detail", args=[offer.pk]),
        related=(("request", str(offer.request_id)),),
    )


def about_agreement(agreement: Agreement) -> About:
    return About(
        kind="agreement",
        parties=tuple(party.pk for party in agreement.parties),
        page=agreement.get_absolute_url(),
        api=reverse("api-agreement-detail", args=[agreement.pk]),
        related=(("offer", str(agreement.offer_id)),),
    )


def about_question(question: Question) -> About:
    return About(
        kind="question",
        parties=(question.request.organization_id,),
        page=f"{question.request.get_absolute_url()}#question-{question.pk}",
        api=reverse("api-question", args=[question.request.slug, question.pk]),
        related=(("request", str(question.request_id)),),
    )


def about_erratum(question: Question) -> About:
    """Also told to hospitals with an offer."""
    about = about_question(question)
    return About(about.kind, (*about.parties, *_offering(question.request)), about.page, about.api, about.related)


def about_message(message: Message) -> About:
    """Told to the other party; to both when staff wrote."""
    offer = message.offer
    both = (offer.request.organization_id, offer.hospital_id)
    return About(
        kind="message",
        parties=tuple(party for party in both if party != message.organization_id),
        page=reverse("offer_messages", args=[offer.pk]),
        api=reverse("api-messages", args=[offer.pk]),
        related=(("offer", str(offer.pk)),),
    )


def _offering(request: DatasetRequest) -> list[object]:
    return list(request.offers.live().values_list("hospital_id", flat=True))


def register_all() -> None:
    """Called when the app is ready."""
    request, offer = "datasetrequest", about_offer
    register(
        [
            Topic("request.submitted", f"{request}.submitted", "Your request was handed to staff", about_request),
            Topic("request.opened", f"{request}.open", "Your request was opened", about_request),
            Topic("request.returned", f"{request}.draft", "Staff returned your request", about_request),
            Topic(
                "request.amended",
                f"{request}.amended",
                "Your request, or one you offered on, has a new version",
                about_request_and_offers,
            ),
            Topic(
                "request.closed",
                f"{request}.closed",
                "Your request, or one you offered on, was closed",
                about_request_and_offers,
            ),
            Topic("request.cancelled", f"{request}.cancelled", "Your request was cancelled", about_request),
            Topic("offer.submitted", "offer.submitted", "An offer was made", offer),
            Topic("offer.accepted", "offer.accepted", "An offer was accepted: both parties signed", offer),
            Topic("offer.declined", "offer.declined", "An offer was declined", offer),
            Topic("offer.withdrawn", "offer.withdrawn", "An offer was withdrawn", offer),
            Topic("offer.expired", "offer.expired", "An offer expired", offer),
            Topic("agreement.drawn", "agreement.drawn", "An agreement waits for signatures", about_agreement),
            Topic("agreement.signed", "agreement.signed", "A party signed an agreement", about_agreement),
            Topic("question.asked", "question.asked", "A question was asked on your request", about_question),
            Topic("question.answered", "question.answered", "Your organization answered a question", about_question),
            Topic(
                "question.clarifies",
                "question.clarifies",
                "An answer clarifies your request, or one you offered on",
                about_erratum,
            ),
            Topic("message.posted", "message.posted", "The other party wrote to you about an offer", about_message),
        ]
    )

"""Addresses of requests, offers and agreements."""

from __future__ import annotations

from django.urls import path

from requests_app.views import (
    agreements,
    browse,
    deciding,
    feasibility,
    matching,
    offers,
    questions,
    thread,
    writing,
)

_ASKED = "requests/<slug:slug>/questions"

urlpatterns = [
    path("requests/", browse.request_list, name="request_list"),
    path("categories/<slug:slug>/", browse.category, name="category"),
    path("requests/new/", writing.request_new, name="request_new"),
    path("my/requests/", writing.my_requests, name="my_requests"),
    path("requests/<slug:slug>/", browse.request_detail, name="request_detail"),
    path("requests/<slug:slug>/spec.json", browse.request_spec_json, name="request_spec_json"),
    path("requests/<slug:slug>/edit/", writing.request_edit, name="request_edit"),
    path("requests/<slug:slug>/import/", writing.request_import, name="request_import"),
    path("requests/<slug:slug>/submit/", deciding.request_submit, name="request_submit"),
    path("requests/<slug:slug>/open/", deciding.request_open, name="request_open"),
    path("requests/<slug:slug>/return/", deciding.request_return, name="request_return"),
    path("requests/<slug:slug>/close/", deciding.request_close, name="request_close"),
    path("requests/<slug:slug>/cancel/", deciding.request_cancel, name="request_cancel"),
    path("requests/<slug:slug>/errata.json", questions.request_errata_json, name="request_errata_json"),
    path(f"{_ASKED}/", questions.question_ask, name="question_ask"),
    path(f"{_ASKED}/<uuid:pk>/edit/", questions.question_edit, name="question_edit"),
    path(f"{_ASKED}/<uuid:pk>/answer/", questions.question_answer, name="question_answer"),
    path(f"{_ASKED}/<uuid:pk>/answer/edit/", questions.answer_edit, name="answer_edit"),
    path(f"{_ASKED}/<uuid:pk>/clarifies/", questions.question_clarifies, name="question_clarifies"),
    path(f"{_ASKED}/<uuid:pk>/hide/", questions.question_hide, name="question_hide"),
    path(f"{_ASKED}/<uuid:pk>/show/", questions.question_show, name="question_show"),
    path("requests/<slug:slug>/counts/", feasibility.feasibility_new, name="feasibility_new"),
    path("requests/<slug:slug>/counts/template/", feasibility.feasibility_template, name="feasibility_template"),
    path("counts/<uuid:pk>/", feasibility.feasibility_detail, name="feasibility_detail"),
    path("requests/<slug:slug>/offers/", offers.offers_compare, name="offers_compare"),
    path("requests/<slug:slug>/offer/", offers.offer_new, name="offer_new"),
    path("organizations/<slug:slug>/capabilities/", matching.capability_edit, name="capability_edit"),
    path("matches/", matching.match_list, name="match_list"),
    path("matches/<slug:slug>/", matching.match_list, name="match_list_of"),
    path("offers/", offers.offer_list, name="offer_list"),
    path("offers/<uuid:pk>/", offers.offer_detail, name="offer_detail"),
    path("offers/<uuid:pk>/withdraw/", offers.offer_withdraw, name="offer_withdraw"),
    path("offers/<uuid:pk>/decline/", offers.offer_decline, name="offer_decline"),
    path("offers/<uuid:pk>/agreement/", agreements.agreement_draw, name="agreement_draw"),
    path("offers/<uuid:pk>/messages/", thread.offer_messages, name="offer_messages"),
    path("offers/<uuid:pk>/messages/<uuid:message>/hide/", thread.message_hide, name="message_hide"),
    path("agreements/<uuid:pk>/", agreements.agreement_detail, name="agreement_detail"),
    path("agreements/<uuid:pk>/text/", agreements.agreement_text_file, name="agreement_text"),
]

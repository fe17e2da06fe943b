"""Addresses of reviews and releases; ``fulfillment.urls`` includes them."""

from django.urls import path

from fulfillment.views import audits, duplicates, grants, published_sets, release_delivery, releases, rereading, reviews

urlpatterns = [
    path("review/", reviews.review_queue, name="review_queue"),
    path("review/batches/<uuid:pk>/", reviews.batch_review, name="batch_review"),
    path("review/batches/<uuid:pk>/claim/", reviews.batch_claim, name="batch_claim"),
    path("review/batches/<uuid:pk>/give-back/", reviews.batch_give_back, name="batch_give_back"),
    path("review/batches/<uuid:pk>/notes/", reviews.batch_notes, name="batch_notes"),
    path("review/batches/<uuid:pk>/decide/", reviews.batch_decide, name="batch_decide"),
    path("review/batches/<uuid:pk>/duplicates/", duplicates.batch_duplicates, name="batch_duplicates"),
    path("review/batches/<uuid:pk>/duplicates/<uuid:hit>/", duplicates.pair_decide, name="pair_decide"),
    path("review/batches/<uuid:pk>/published/<uuid:hit>/", published_sets.match_decide, name="match_decide"),
    path("review/batches/<uuid:pk>/re-reading/", rereading.batch_rereading, name="batch_rereading"),
    path("review/batches/<uuid:pk>/re-reading/begin/", rereading.rereading_begin, name="rereading_begin"),
    path("review/batches/<uuid:pk>/re-reading/read/", rereading.rereading_read, name="rereading_read"),
    path("review/published-sets/", published_sets.published_set_list, name="published_set_list"),
    path("review/published-sets/<uuid:pk>/retire/", published_sets.published_set_retire, name="published_set_retire"),
    path("review/requests/<slug:slug>/release/", releases.release_prepare, name="release_prepare"),
    path("releases/", releases.release_list, name="release_list"),
    path("releases/<uuid:pk>/", releases.release_detail, name="release_detail"),
    path("releases/<uuid:pk>/audit/", audits.release_audit, name="release_audit"),
    path("releases/<uuid:pk>/audit.json", audits.release_audit_json, name="release_audit_json"),
    path("releases/<uuid:pk>/audit.html", audits.release_audit_html, name="release_audit_html"),
    path("releases/<uuid:pk>/state/", releases.release_state, name="release_state"),
    path("releases/<uuid:pk>/publish/", releases.release_publish, name="release_publish"),
    path("releases/<uuid:pk>/build/", releases.release_build, name="release_build"),
    path("releases/<uuid:pk>/discard/", releases.release_discard, name="release_discard"),
    path("releases/<uuid:pk>/withdraw/", releases.release_withdraw, name="release_withdraw"),
    path("releases/<uuid:pk>/download/", release_delivery.release_download, name="release_download"),
    path("releases/<uuid:pk>/attest/", grants.release_attest, name="release_attest"),
    path("releases/<uuid:pk>/custody/", grants.release_custody, name="release_custody"),
    path("releases/<uuid:pk>/grant/", grants.release_grant, name="release_grant"),
    path("grants/<uuid:pk>/", grants.grant_detail, name="grant_detail"),
    path("grants/<uuid:pk>/names/", grants.grant_name, name="grant_name"),
    path("grants/<uuid:pk>/names/<uuid:named>/remove/", grants.grant_remove, name="grant_remove"),
    path("grants/<uuid:pk>/revoke/", grants.grant_revoke, name="grant_revoke"),
]

"""Addresses of deliveries: deliveries, batches, files."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from fulfillment.views import (
    as_it_came,
    batch_work,
    certificates,
    check_at_home,
    custody,
    deliveries,
    dicom_senders,
    evidence,
    files,
    label_imports,
    label_passports,
    label_worklists,
    quality,
    reports,
    uploads,
    verify,
    viewer,
    withdrawals,
    withheld,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("deliveries/", deliveries.fulfillment_list, name="fulfillment_list"),
    path("deliveries/<uuid:pk>/", deliveries.fulfillment_detail, name="fulfillment_detail"),
    path("deliveries/<uuid:pk>/complete/", deliveries.fulfillment_complete, name="fulfillment_complete"),
    path("deliveries/<uuid:pk>/end/", deliveries.fulfillment_terminate, name="fulfillment_terminate"),
    path("deliveries/<uuid:pk>/batches/new/", deliveries.batch_new, name="batch_new"),
    path("batches/", deliveries.batch_list, name="batch_list"),
    path("batches/<uuid:pk>/", deliveries.batch_detail, name="batch_detail"),
    path("batches/<uuid:pk>/progress/", deliveries.batch_progress, name="batch_progress"),
    path("batches/<uuid:pk>/files/", deliveries.batch_files, name="batch_files"),
    path("batches/<uuid:pk>/upload/", uploads.batch_upload, name="batch_upload"),
    path("batches/<uuid:pk>/uploads/discard/", deliveries.batch_discard_uploads, name="batch_discard_uploads"),
    path("batches/<uuid:pk>/check-at-home/", check_at_home.batch_check_at_home, name="batch_check_at_home"),
    path("batches/<uuid:pk>/causes/", deliveries.batch_cause, name="batch_cause"),
    path("batches/<uuid:pk>/working/", batch_work.batch_working, name="batch_working"),
    path("batches/<uuid:pk>/seal/", deliveries.batch_seal, name="batch_seal"),
    path("batches/<uuid:pk>/certificate.json", certificates.batch_certificate, name="batch_certificate"),
    path("batches/<uuid:pk>/certificate.pdf", certificates.batch_certificate_pdf, name="batch_certificate_pdf"),
    path("verify/", verify.verify, name="verify"),
    path("certificates/public-key.pem", certificates.signing_public_key, name="signing_public_key"),
    path("custody/", custody.custody_now, name="custody"),
    path("certificates/public-keys.json", certificates.signing_public_keys, name="signing_public_keys"),
    path("originals/", custody.originals, name="originals"),
    path("originals/<uuid:pk>/certificate.json", custody.destruction_certificate, name="destruction_certificate"),
    path(
        "originals/<uuid:pk>/certificate.pdf", custody.destruction_certificate_pdf, name="destruction_certificate_pdf"
    ),
    path("batches/<uuid:pk>/evidence/", evidence.batch_evidence, name="batch_evidence_pack"),
    path("releases/<uuid:pk>/evidence/", evidence.release_evidence, name="release_evidence"),
    path("evidence/<uuid:pk>.json", evidence.evidence_json, name="evidence_json"),
    path("evidence/<uuid:pk>.pdf", evidence.evidence_pdf, name="evidence_pdf"),
    path("withdrawals/", withdrawals.withdrawal_list, name="withdrawal_list"),
    path("withdrawals/new/", withdrawals.withdrawal_new, name="withdrawal_new"),
    path("withdrawals/<uuid:pk>/", withdrawals.withdrawal_detail, name="withdrawal_detail"),
    path("withdrawals/<uuid:pk>/files.csv", withdrawals.withdrawal_files, name="withdrawal_files"),
    path("withdrawals/<uuid:pk>/attest/", withdrawals.withdrawal_attest, name="withdrawal_attest"),
    path(
        "withdrawals/attestations/<uuid:pk>.json", withdrawals.destruction_attestation, name="destruction_attestation"
    ),
    path("batches/<uuid:pk>/reports/", reports.batch_reports, name="batch_reports"),
    path("reports/<uuid:pk>/", reports.report_detail, name="report_detail"),
    path("batches/<uuid:pk>/withheld/", withheld.batch_withheld, name="batch_withheld"),
    path("batches/<uuid:pk>/withheld/act/", withheld.batch_withheld_act, name="batch_withheld_act"),
    path("files/<uuid:pk>/withheld.png", withheld.withheld_picture, name="withheld_picture"),
    path("files/<uuid:pk>/", files.file_detail, name="file_detail"),
    path("files/<uuid:pk>/retry/", deliveries.file_retry, name="file_retry"),
    path("files/<uuid:pk>/as-it-came/", as_it_came.file_as_it_came, name="file_as_it_came"),
    path("files/<uuid:pk>/withdraw/", deliveries.file_withdraw, name="file_withdraw"),
    path("batches/<uuid:pk>/labels/", label_worklists.batch_labels, name="batch_labels"),
    path("labels/<uuid:pk>/settle/", label_worklists.label_settle, name="label_settle"),
    path("batches/<uuid:pk>/labels/import/", label_imports.label_import_new, name="label_import_new"),
    path("label-imports/<uuid:pk>/", label_imports.label_import, name="label_import"),
    path("label-imports/<uuid:pk>/mapping/", label_imports.label_import_mapping, name="label_import_mapping"),
    path("label-imports/<uuid:pk>/preview/", label_imports.label_import_preview, name="label_import_preview"),
    path("label-imports/<uuid:pk>/problems.csv", label_imports.label_import_problems, name="label_import_problems"),
    path("label-imports/<uuid:pk>/confirm/", label_imports.label_import_confirm, name="label_import_confirm"),
    path("label-imports/<uuid:pk>/again/", label_imports.label_import_again, name="label_import_again"),
    path("label-imports/<uuid:pk>/discard/", label_imports.label_import_discard, name="label_import_discard"),
    path("labels/<uuid:pk>/", label_passports.label_passport, name="label_passport"),
    path("batches/<uuid:pk>/quality/", quality.batch_quality, name="batch_quality"),
    path("batches/<uuid:pk>/quality.csv", quality.batch_quality_csv, name="batch_quality_csv"),
    path("images/<uuid:pk>/", quality.image_detail, name="image_detail"),
    path("images/<uuid:pk>/preview/", deliveries.image_preview, name="image_preview"),
    path("images/<uuid:pk>/view/", viewer.image_viewer, name="image_viewer"),
    path("images/<uuid:pk>/view.json", viewer.image_description, name="image_description"),
    path("images/<uuid:pk>/values/", viewer.image_values, name="image_values"),
    path("images/<uuid:pk>/before/", viewer.image_before, name="image_before"),
    path("organizations/<slug:slug>/dicom/", dicom_senders.dicom_sender_list, name="dicom_sender_list"),
    path("organizations/<slug:slug>/dicom/<uuid:pk>/", dicom_senders.dicom_sender_detail, name="dicom_sender_detail"),
    path(
        "organizations/<slug:slug>/dicom/<uuid:pk>/switch/",
        dicom_senders.dicom_sender_switch,
        name="dicom_sender_switch",
    ),
    path(
        "organizations/<slug:slug>/dicom/<uuid:pk>/remove/",
        dicom_senders.dicom_sender_remove,
        name="dicom_sender_remove",
    ),
    path("", include("fulfillment.dicomweb.urls")),
    path("", include("fulfillment.urls_incidents")),
]

# --- reviews and releases add theirs here -----------------------------------------------------------------------------
if find_spec("fulfillment.urls_review"):
    from fulfillment.urls_review import urlpatterns as review

    urlpatterns += review

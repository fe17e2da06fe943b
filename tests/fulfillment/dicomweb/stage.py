"""``python -m tests.fulfillment.dicomweb.stage``: in the portal of this environment a hospital with an open batch and a sender,
and a published release with its reader. Prints JSON."""

from __future__ import annotations

import json
import os
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")
    os.environ["CELERY_TASK_ALWAYS_EAGER"] = "1"
    django.setup()
    from fulfillment.models import Image
    from fulfillment.services.batches import create_batch
    from fulfillment.services.dicom_senders import add_sender
    from getdata.accounts.models import Role
    from getdata.accounts.tokens import make_token
    from tests.factories import fulfillment, member
    from tests.fulfillment.dicomweb.releases import compress, published
    from tests.support.access import downloader

    delivery = fulfillment()
    manager = member(delivery.hospital, Role.DATA_MANAGER)
    batch = create_batch(fulfillment=delivery, name="By DICOM", actor=manager)
    for title in ("STORESCU", "ECHOSCU"):
        add_sender(hospital=delivery.hospital, ae_title=title, address="127.0.0.1", delivery=None, actor=manager)
    release = published(3)
    compress(Image.objects.order_by("sop_instance_uid")[1])
    reader = downloader(release)
    stranger = member(delivery.request.organization, Role.READER)
    print(
        json.dumps(
            {
                "batch": str(batch.pk),
                "hospital": delivery.hospital.slug,
                "sender": make_token(user=manager, name="pacs", scopes=["deliveries:write"])[1],
                "release": str(release.pk),
                "reader": make_token(user=reader, name="viewer", scopes=["releases:read"])[1],
                "stranger": make_token(user=stranger, name="viewer", scopes=["releases:read"])[1],
            }
        )
    )


if __name__ == "__main__":
    sys.exit(main())

"""The listener's allow-list: what a hospital's data manager does with it, and who is on the line."""

from __future__ import annotations

import ipaddress
import re

from django.db import transaction
from django.db.models import QuerySet

from fulfillment.models import DicomSender, Fulfillment, FulfillmentStatus
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can, require
from getdata.audit.chain import record
from getdata.common.problems import CannotDo

MOST_SENDERS = 20
#: A network larger than this names nobody.
_MOST_ADDRESSES = 2**16
#: PS3.5 6.2, VR AE: printable characters of the default repertoire, no backslash.
_AE_TITLE = re.compile(r"[ -\[\]-~]{1,16}\Z")


def may_manage(user: User, hospital: Organization) -> bool:
    """Whoever uploads for the hospital, and administrators."""
    return user.is_administrator or can(user, "upload", hospital)


def _require_may_manage(actor: User, hospital: Organization) -> None:
    if not actor.is_administrator:
        require(actor, "upload", hospital)


def deliveries_of(hospital: Organization) -> QuerySet[Fulfillment]:
    """The deliveries a sender may be bound to."""
    return Fulfillment.objects.filter(hospital=hospital, status=FulfillmentStatus.ACTIVE).select_related("request")


def add_sender(
    *, hospital: Organization, ae_title: str, address: str, delivery: Fulfillment | None, actor: User
) -> DicomSender:
    """Put an application entity on the allow-list. Raises ``CannotDo``."""
    _require_may_manage(actor, hospital)
    title, network = _clean(ae_title, address)
    if not hospital.is_hospital:
        raise CannotDo("Only hospitals deliver.", remedy="Choose a hospital.", code="not_a_hospital")
    with transaction.atomic():
        Organization.objects.select_for_update().get(pk=hospital.pk)
        if hospital.dicom_senders.count() >= MOST_SENDERS:
            raise CannotDo(f"A hospital has at most {MOST_SENDERS} senders.", remedy="Remove one.", code="too_many")
        _require_free(title, network)
        _require_own(delivery, hospital)
        sender = DicomSender.objects.create(
            hospital=hospital, ae_title=title, address=network, delivery=delivery, created_by=actor
        )
        _record("added", sender, actor)
    return sender


def change_sender(
    *, sender: DicomSender, ae_title: str, address: str, delivery: Fulfillment | None, actor: User
) -> DicomSender:
    """Correct a sender. Raises ``CannotDo``."""
    _require_may_manage(actor, sender.hospital)
    title, network = _clean(ae_title, address)
    with transaction.atomic():
        _require_free(title, network, besides=sender)
        _require_own(delivery, sender.hospital)
        DicomSender.objects.filter(pk=sender.pk).update(ae_title=title, address=network, delivery=delivery)
        _record("changed", sender, actor)
    return DicomSender.objects.get(pk=sender.pk)


def switch_sender(*, sender: DicomSender, enabled: bool, actor: User) -> None:
    """Let it in, or no more: an association under way is refused its next instance."""
    _require_may_manage(actor, sender.hospital)
    with transaction.atomic():
        if DicomSender.objects.filter(pk=sender.pk, is_enabled=not enabled).update(is_enabled=enabled):
            _record("enabled" if enabled else "disabled", sender, actor)


def remove_sender(*, sender: DicomSender, actor: User) -> None:
    """Take it off the list."""
    _require_may_manage(actor, sender.hospital)
    with transaction.atomic():
        _record("removed", sender, actor)
        sender.delete()


def who_calls(ae_title: str, address: str) -> DicomSender | None:
    """The sender behind a calling AE title and the address it comes from; None when nobody, or two hospitals, would fit."""
    try:
        caller = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return None
    mapped = getattr(caller, "ipv4_mapped", None)
    caller = mapped or caller
    rows = DicomSender.objects.filter(ae_title=ae_title.strip(), is_enabled=True).select_related("hospital", "delivery")
    fitting = [row for row in rows if caller in row.network]
    if not fitting or len({row.hospital_id for row in fitting}) > 1:
        return None
    return max(fitting, key=lambda row: row.network.prefixlen)


def _clean(ae_title: str, address: str) -> tuple[str, str]:
    title = ae_title.strip()
    if not _AE_TITLE.match(title):
        raise CannotDo(
            "An AE title has 1 to 16 printable characters and no backslash.",
            remedy="Copy it from your PACS.",
            code="bad_ae_title",
        )
    try:
        network = ipaddress.ip_network(address.strip(), strict=False)
    except ValueError as error:
        raise CannotDo(
            "This is no IP address and no network.",
            remedy="Write 192.0.2.10, or 192.0.2.0/24.",
            code="bad_address",
        ) from error
    if network.num_addresses > _MOST_ADDRESSES:
        raise CannotDo(
            "This network is too large to name anybody.",
            remedy="Name at most 65,536 addresses: a /16 network, or smaller.",
            code="bad_address",
        )
    return title, str(network)


def _require_free(title: str, network: str, besides: DicomSender | None = None) -> None:
    """The words say nothing of whose it is: the list is not for asking who else delivers."""
    taken = DicomSender.objects.filter(ae_title=title, address=network)
    if besides is not None:
        taken = taken.exclude(pk=besides.pk)
    if taken.exists():
        raise CannotDo(
            "This AE title with this address is on the list already.",
            remedy="Give your PACS another calling AE title, or correct the address.",
            code="sender_taken",
        )


def _require_own(delivery: Fulfillment | None, hospital: Organization) -> None:
    if delivery is not None and delivery.hospital_id != hospital.pk:
        raise CannotDo("That is not a delivery of this hospital.", remedy="Choose one of its own.", code="not_yours")


def _record(act: str, sender: DicomSender, actor: User) -> None:
    """Never the AE title or the address: they tell of a hospital's network."""
    record(verb=f"dicomsender.{act}", target=sender, actor=actor, organization_id=sender.hospital_id)

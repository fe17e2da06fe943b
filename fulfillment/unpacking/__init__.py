"""Archives of strangers, opened member by member with limits before bytes. Pure: no Django, no storage."""

from fulfillment.unpacking.kinds import ARCHIVE_ENDINGS, archive_format
from fulfillment.unpacking.limits import ArchiveLimits, ArchiveRefused, Problem
from fulfillment.unpacking.reading import Member, members

__all__ = [
    "ARCHIVE_ENDINGS",
    "ArchiveLimits",
    "ArchiveRefused",
    "Member",
    "Problem",
    "archive_format",
    "members",
]

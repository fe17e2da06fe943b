"""What people type is read by the guard before anything of it is kept."""

from __future__ import annotations

from getdata.common.problems import CannotDo
from requests_app.guard import Finding, check_text, fingerprint, is_hard


class MayIdentify(CannotDo):
    """The text looks as if it identified a person. ``confirmation`` is empty when nobody may confirm it away."""

    def __init__(self, text: str, findings: list[Finding], *, field: str) -> None:
        self.findings = findings
        self.confirmation = "" if is_hard(findings) else fingerprint(text)
        kinds = list(dict.fromkeys(finding.kind for finding in findings))
        named = kinds[0] if len(kinds) == 1 else f"{', '.join(kinds[:-1])} and {kinds[-1]}"
        super().__init__(
            f"This text may identify a person ({named}). Nothing of it was kept.",
            remedy="Change it, or confirm that it names nobody."
            if self.confirmation
            else "Take the number out; this cannot be confirmed away.",
            code="text_may_identify",
            errors=[
                {"path": field, "code": f.kind.replace(" ", "_"), "message": f.why, "remedy": f.remedy}
                for f in findings
            ],
            extra={
                "confirmation": self.confirmation,
                "findings": [
                    {"kind": f.kind, "severity": f.severity, "start": f.start, "end": f.end} for f in findings
                ],
            },
        )


def guarded(text: str, *, limit: int, confirmed: str = "", field: str = "text", what: str = "text") -> str:
    """The text, trimmed and at most ``limit`` characters long, if it may be kept.

    ``confirmed`` is the ``confirmation`` of an earlier refusal: it stands for these very words and no others.
    Raises ``CannotDo`` for an empty text and ``MayIdentify`` for one that the guard stops.
    """
    text = text.strip()[:limit]
    if not text:
        raise CannotDo(f"The {what} is empty.", remedy="Write it, then send it.", code="text_missing")
    findings = check_text(text)
    if findings and (is_hard(findings) or confirmed != fingerprint(text)):
        raise MayIdentify(text, findings, field=field)
    return text


def refuse_record_numbers(text: str, *, field: str = "note") -> str:
    """For short notes and reasons: what is certainly a record number is refused, the rest is the writer's care."""
    findings = [finding for finding in check_text(text) if finding.severity == "hard"]
    if findings:
        raise MayIdentify(text, findings, field=field)
    return text

"""What people type before it is shown to others: does it look as if it named a patient? Pure; keeps and logs nothing."""

from requests_app.guard.check import Finding, check_text, fingerprint, is_hard

__all__ = ["Finding", "check_text", "fingerprint", "is_hard"]

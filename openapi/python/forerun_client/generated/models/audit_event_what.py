from typing import Literal

AuditEventWhat = Literal["key_created", "key_revoked", "meta_learner_promoted", "run_deleted"]

AUDIT_EVENT_WHAT_VALUES: set[AuditEventWhat] = {
    "key_created",
    "key_revoked",
    "meta_learner_promoted",
    "run_deleted",
}


def check_audit_event_what(value: str) -> AuditEventWhat:
    if value in AUDIT_EVENT_WHAT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {AUDIT_EVENT_WHAT_VALUES!r}")

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.refit_kind_type_0 import RefitKindType0, check_refit_kind_type_0
from ..models.refit_state import RefitState, check_refit_state
from ..models.refit_trigger import RefitTrigger, check_refit_trigger

if TYPE_CHECKING:
    from ..models.refit_progress_type_0 import RefitProgressType0
    from ..models.verdict import Verdict


T = TypeVar("T", bound="Refit")


@_attrs_define
class Refit:
    """One fit of a project's meta-learner to its runs, from request to verdict.

    Attributes:
        id (UUID):
        project (str):
        state (RefitState):
        trigger (RefitTrigger): Who asked: a request, enough new runs, or the clock.
        attempts (int): How often it was begun; more than one after a crash.
        queued_at (datetime.datetime):
        started_at (datetime.datetime | None):
        finished_at (datetime.datetime | None):
        kind (None | RefitKindType0): Whether it learned everything anew or on from the champion, once it has begun.
        n_runs (int | None): Finished runs it learned from, once it has read them.
        n_new_runs (int | None): Those of them that it read: of an incremental refit, the new ones.
        progress (None | RefitProgressType0): While it runs: where it stands.
        meta_learner_id (None | UUID): What it made, once it succeeded.
        verdict (None | Verdict): Whether that serves, once it succeeded.
        error (None | str): Why it failed, if it did.

    """

    id: UUID
    project: str
    state: RefitState
    trigger: RefitTrigger
    attempts: int
    queued_at: datetime.datetime
    started_at: datetime.datetime | None
    finished_at: datetime.datetime | None
    kind: RefitKindType0 | None
    n_runs: int | None
    n_new_runs: int | None
    progress: RefitProgressType0 | None
    meta_learner_id: UUID | None
    verdict: Verdict | None
    error: str | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.refit_progress_type_0 import RefitProgressType0
        from ..models.verdict import Verdict

        id = str(self.id)

        project = self.project

        state: str = self.state

        trigger: str = self.trigger

        attempts = self.attempts

        queued_at = self.queued_at.isoformat()

        started_at: str | None
        if isinstance(self.started_at, datetime.datetime):
            started_at = self.started_at.isoformat()
        else:
            started_at = self.started_at

        finished_at: str | None
        if isinstance(self.finished_at, datetime.datetime):
            finished_at = self.finished_at.isoformat()
        else:
            finished_at = self.finished_at

        kind: str | None
        if isinstance(self.kind, str):
            kind = self.kind
        else:
            kind = self.kind

        n_runs: int | None
        n_runs = self.n_runs

        n_new_runs: int | None
        n_new_runs = self.n_new_runs

        progress: dict[str, Any] | None
        if isinstance(self.progress, RefitProgressType0):
            progress = self.progress.to_dict()
        else:
            progress = self.progress

        meta_learner_id: str | None
        if isinstance(self.meta_learner_id, UUID):
            meta_learner_id = str(self.meta_learner_id)
        else:
            meta_learner_id = self.meta_learner_id

        verdict: dict[str, Any] | None
        if isinstance(self.verdict, Verdict):
            verdict = self.verdict.to_dict()
        else:
            verdict = self.verdict

        error: str | None
        error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "project": project,
                "state": state,
                "trigger": trigger,
                "attempts": attempts,
                "queued_at": queued_at,
                "started_at": started_at,
                "finished_at": finished_at,
                "kind": kind,
                "n_runs": n_runs,
                "n_new_runs": n_new_runs,
                "progress": progress,
                "meta_learner_id": meta_learner_id,
                "verdict": verdict,
                "error": error,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.refit_progress_type_0 import RefitProgressType0
        from ..models.verdict import Verdict

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        project = d.pop("project")

        state = check_refit_state(d.pop("state"))

        trigger = check_refit_trigger(d.pop("trigger"))

        attempts = d.pop("attempts")

        queued_at = datetime.datetime.fromisoformat(d.pop("queued_at"))

        def _parse_started_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                started_at_type_0 = datetime.datetime.fromisoformat(data)

                return started_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("datetime.datetime | None", data)

        started_at = _parse_started_at(d.pop("started_at"))

        def _parse_finished_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                finished_at_type_0 = datetime.datetime.fromisoformat(data)

                return finished_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("datetime.datetime | None", data)

        finished_at = _parse_finished_at(d.pop("finished_at"))

        def _parse_kind(data: object) -> RefitKindType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                kind_type_0 = check_refit_kind_type_0(data)

                return kind_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | RefitKindType0", data)

        kind = _parse_kind(d.pop("kind"))

        def _parse_n_runs(data: object) -> int | None:
            if data is None:
                return data
            return cast("int | None", data)

        n_runs = _parse_n_runs(d.pop("n_runs"))

        def _parse_n_new_runs(data: object) -> int | None:
            if data is None:
                return data
            return cast("int | None", data)

        n_new_runs = _parse_n_new_runs(d.pop("n_new_runs"))

        def _parse_progress(data: object) -> RefitProgressType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                progress_type_0 = RefitProgressType0.from_dict(data)

                return progress_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | RefitProgressType0", data)

        progress = _parse_progress(d.pop("progress"))

        def _parse_meta_learner_id(data: object) -> UUID | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                meta_learner_id_type_0 = UUID(data)

                return meta_learner_id_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | UUID", data)

        meta_learner_id = _parse_meta_learner_id(d.pop("meta_learner_id"))

        def _parse_verdict(data: object) -> Verdict | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                verdict_type_0 = Verdict.from_dict(data)

                return verdict_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | Verdict", data)

        verdict = _parse_verdict(d.pop("verdict"))

        def _parse_error(data: object) -> str | None:
            if data is None:
                return data
            return cast("None | str", data)

        error = _parse_error(d.pop("error"))

        refit = cls(
            id=id,
            project=project,
            state=state,
            trigger=trigger,
            attempts=attempts,
            queued_at=queued_at,
            started_at=started_at,
            finished_at=finished_at,
            kind=kind,
            n_runs=n_runs,
            n_new_runs=n_new_runs,
            progress=progress,
            meta_learner_id=meta_learner_id,
            verdict=verdict,
            error=error,
        )

        refit.additional_properties = d
        return refit

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.project_health_intervals import ProjectHealthIntervals


T = TypeVar("T", bound="ProjectHealth")


@_attrs_define
class ProjectHealth:
    """How a project stands, as a worker measured it: soon after runs come in, and every few minutes.

    Attributes:
        measured_at (datetime.datetime):
        n_runs (int): Finished runs.
        n_new_runs (int): Those of them that the champion has not learned from.
        last_run_at (datetime.datetime | None):
        intervals (ProjectHealthIntervals): By target, whether predicted intervals hold.

    """

    measured_at: datetime.datetime
    n_runs: int
    n_new_runs: int
    last_run_at: datetime.datetime | None
    intervals: ProjectHealthIntervals
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        measured_at = self.measured_at.isoformat()

        n_runs = self.n_runs

        n_new_runs = self.n_new_runs

        last_run_at: str | None
        if isinstance(self.last_run_at, datetime.datetime):
            last_run_at = self.last_run_at.isoformat()
        else:
            last_run_at = self.last_run_at

        intervals = self.intervals.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "measured_at": measured_at,
                "n_runs": n_runs,
                "n_new_runs": n_new_runs,
                "last_run_at": last_run_at,
                "intervals": intervals,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.project_health_intervals import ProjectHealthIntervals

        d = dict(src_dict)
        measured_at = datetime.datetime.fromisoformat(d.pop("measured_at"))

        n_runs = d.pop("n_runs")

        n_new_runs = d.pop("n_new_runs")

        def _parse_last_run_at(data: object) -> datetime.datetime | None:
            if data is None:
                return data
            try:
                if not isinstance(data, str):
                    raise TypeError
                last_run_at_type_0 = datetime.datetime.fromisoformat(data)

                return last_run_at_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("datetime.datetime | None", data)

        last_run_at = _parse_last_run_at(d.pop("last_run_at"))

        intervals = ProjectHealthIntervals.from_dict(d.pop("intervals"))

        project_health = cls(
            measured_at=measured_at,
            n_runs=n_runs,
            n_new_runs=n_new_runs,
            last_run_at=last_run_at,
            intervals=intervals,
        )

        project_health.additional_properties = d
        return project_health

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

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.champion import Champion
    from ..models.last_refit import LastRefit
    from ..models.objective import Objective
    from ..models.runs_per_hour import RunsPerHour


T = TypeVar("T", bound="Overview")


@_attrs_define
class Overview:
    """A project at a glance.

    Attributes:
        project (str):
        objectives (list[Objective]):
        n_runs (int): Stored runs; beyond 100,000, the finished ones when they were last counted.
        n_datasets (int):
        runs_per_hour (RunsPerHour): What came in during the last 24 hours, the current one included.
        last_run_at (datetime.datetime | None): When the newest run was posted.
        champion (Champion | None): Null before the first refit.
        refit (LastRefit | None): Null where there has been none.

    """

    project: str
    objectives: list[Objective]
    n_runs: int
    n_datasets: int
    runs_per_hour: RunsPerHour
    last_run_at: datetime.datetime | None
    champion: Champion | None
    refit: LastRefit | None
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.champion import Champion
        from ..models.last_refit import LastRefit

        project = self.project

        objectives = []
        for objectives_item_data in self.objectives:
            objectives_item = objectives_item_data.to_dict()
            objectives.append(objectives_item)

        n_runs = self.n_runs

        n_datasets = self.n_datasets

        runs_per_hour = self.runs_per_hour.to_dict()

        last_run_at: str | None
        if isinstance(self.last_run_at, datetime.datetime):
            last_run_at = self.last_run_at.isoformat()
        else:
            last_run_at = self.last_run_at

        champion: dict[str, Any] | None
        if isinstance(self.champion, Champion):
            champion = self.champion.to_dict()
        else:
            champion = self.champion

        refit: dict[str, Any] | None
        if isinstance(self.refit, LastRefit):
            refit = self.refit.to_dict()
        else:
            refit = self.refit

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "project": project,
                "objectives": objectives,
                "n_runs": n_runs,
                "n_datasets": n_datasets,
                "runs_per_hour": runs_per_hour,
                "last_run_at": last_run_at,
                "champion": champion,
                "refit": refit,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.champion import Champion
        from ..models.last_refit import LastRefit
        from ..models.objective import Objective
        from ..models.runs_per_hour import RunsPerHour

        d = dict(src_dict)
        project = d.pop("project")

        objectives = []
        _objectives = d.pop("objectives")
        for objectives_item_data in _objectives:
            objectives_item = Objective.from_dict(objectives_item_data)

            objectives.append(objectives_item)

        n_runs = d.pop("n_runs")

        n_datasets = d.pop("n_datasets")

        runs_per_hour = RunsPerHour.from_dict(d.pop("runs_per_hour"))

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

        def _parse_champion(data: object) -> Champion | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                champion_type_0 = Champion.from_dict(data)

                return champion_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("Champion | None", data)

        champion = _parse_champion(d.pop("champion"))

        def _parse_refit(data: object) -> LastRefit | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                refit_type_0 = LastRefit.from_dict(data)

                return refit_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("LastRefit | None", data)

        refit = _parse_refit(d.pop("refit"))

        overview = cls(
            project=project,
            objectives=objectives,
            n_runs=n_runs,
            n_datasets=n_datasets,
            runs_per_hour=runs_per_hour,
            last_run_at=last_run_at,
            champion=champion,
            refit=refit,
        )

        overview.additional_properties = d
        return overview

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

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.champion_quality import ChampionQuality


T = TypeVar("T", bound="Champion")


@_attrs_define
class Champion:
    """The meta-learner that serves.

    Attributes:
        id (UUID):
        version (int):
        fitted_at (datetime.datetime):
        n_runs (int): Runs it learned from.
        n_datasets (int): Datasets they were trained on.
        damaged (bool): Whether the process that answers found its bundle damaged, so that an earlier one serves.
        quality (ChampionQuality): By target: how it does on datasets it has not seen.

    """

    id: UUID
    version: int
    fitted_at: datetime.datetime
    n_runs: int
    n_datasets: int
    damaged: bool
    quality: ChampionQuality
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        version = self.version

        fitted_at = self.fitted_at.isoformat()

        n_runs = self.n_runs

        n_datasets = self.n_datasets

        damaged = self.damaged

        quality = self.quality.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "version": version,
                "fitted_at": fitted_at,
                "n_runs": n_runs,
                "n_datasets": n_datasets,
                "damaged": damaged,
                "quality": quality,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.champion_quality import ChampionQuality

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        version = d.pop("version")

        fitted_at = datetime.datetime.fromisoformat(d.pop("fitted_at"))

        n_runs = d.pop("n_runs")

        n_datasets = d.pop("n_datasets")

        damaged = d.pop("damaged")

        quality = ChampionQuality.from_dict(d.pop("quality"))

        champion = cls(
            id=id,
            version=version,
            fitted_at=fitted_at,
            n_runs=n_runs,
            n_datasets=n_datasets,
            damaged=damaged,
            quality=quality,
        )

        champion.additional_properties = d
        return champion

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

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar
from uuid import UUID

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.meta_learner_quality import MetaLearnerQuality
    from ..models.verdict import Verdict


T = TypeVar("T", bound="MetaLearner")


@_attrs_define
class MetaLearner:
    """A fitted meta-learner of a project.

    Attributes:
        id (UUID):
        project (str):
        version (int):
        champion (bool): Whether this one serves.
        n_runs (int):
        n_datasets (int):
        n_bytes (int): Size of the stored bundle.
        fitted_at (datetime.datetime):
        verdict (Verdict): Whether a challenger serves, and why.
        quality (MetaLearnerQuality): By target; the report tells it dataset by dataset.

    """

    id: UUID
    project: str
    version: int
    champion: bool
    n_runs: int
    n_datasets: int
    n_bytes: int
    fitted_at: datetime.datetime
    verdict: Verdict
    quality: MetaLearnerQuality
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        id = str(self.id)

        project = self.project

        version = self.version

        champion = self.champion

        n_runs = self.n_runs

        n_datasets = self.n_datasets

        n_bytes = self.n_bytes

        fitted_at = self.fitted_at.isoformat()

        verdict = self.verdict.to_dict()

        quality = self.quality.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "id": id,
                "project": project,
                "version": version,
                "champion": champion,
                "n_runs": n_runs,
                "n_datasets": n_datasets,
                "n_bytes": n_bytes,
                "fitted_at": fitted_at,
                "verdict": verdict,
                "quality": quality,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.meta_learner_quality import MetaLearnerQuality
        from ..models.verdict import Verdict

        d = dict(src_dict)
        id = UUID(d.pop("id"))

        project = d.pop("project")

        version = d.pop("version")

        champion = d.pop("champion")

        n_runs = d.pop("n_runs")

        n_datasets = d.pop("n_datasets")

        n_bytes = d.pop("n_bytes")

        fitted_at = datetime.datetime.fromisoformat(d.pop("fitted_at"))

        verdict = Verdict.from_dict(d.pop("verdict"))

        quality = MetaLearnerQuality.from_dict(d.pop("quality"))

        meta_learner = cls(
            id=id,
            project=project,
            version=version,
            champion=champion,
            n_runs=n_runs,
            n_datasets=n_datasets,
            n_bytes=n_bytes,
            fitted_at=fitted_at,
            verdict=verdict,
            quality=quality,
        )

        meta_learner.additional_properties = d
        return meta_learner

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

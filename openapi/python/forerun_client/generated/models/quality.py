from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.quality_regret_type_0 import QualityRegretType0


T = TypeVar("T", bound="Quality")


@_attrs_define
class Quality:
    """How predictions of one target do on datasets that the meta-learner has not seen, on average over these.

    Attributes:
        rank_correlation (float | None | Unset): Spearman's, between predicted and real outcomes within a dataset.
        coverage (float | None | Unset): Share of the outcomes inside their 90 % intervals.
        regret (None | QualityRegretType0 | Unset): By direction, then by method (`meta_learner`, `random`, ...), then
            by k: the gap between the best of its first k picks and the best run of the dataset, over the range of its runs.
        n_held_out_datasets (int | None | Unset): Datasets that it is the mean of.

    """

    rank_correlation: float | Unset | None = UNSET
    coverage: float | Unset | None = UNSET
    regret: QualityRegretType0 | Unset | None = UNSET
    n_held_out_datasets: int | Unset | None = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.quality_regret_type_0 import QualityRegretType0

        rank_correlation: float | Unset | None
        if isinstance(self.rank_correlation, Unset):
            rank_correlation = UNSET
        else:
            rank_correlation = self.rank_correlation

        coverage: float | Unset | None
        if isinstance(self.coverage, Unset):
            coverage = UNSET
        else:
            coverage = self.coverage

        regret: dict[str, Any] | Unset | None
        if isinstance(self.regret, Unset):
            regret = UNSET
        elif isinstance(self.regret, QualityRegretType0):
            regret = self.regret.to_dict()
        else:
            regret = self.regret

        n_held_out_datasets: int | Unset | None
        if isinstance(self.n_held_out_datasets, Unset):
            n_held_out_datasets = UNSET
        else:
            n_held_out_datasets = self.n_held_out_datasets

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if rank_correlation is not UNSET:
            field_dict["rank_correlation"] = rank_correlation
        if coverage is not UNSET:
            field_dict["coverage"] = coverage
        if regret is not UNSET:
            field_dict["regret"] = regret
        if n_held_out_datasets is not UNSET:
            field_dict["n_held_out_datasets"] = n_held_out_datasets

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.quality_regret_type_0 import QualityRegretType0

        d = dict(src_dict)

        def _parse_rank_correlation(data: object) -> float | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        rank_correlation = _parse_rank_correlation(d.pop("rank_correlation", UNSET))

        def _parse_coverage(data: object) -> float | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("float | None | Unset", data)

        coverage = _parse_coverage(d.pop("coverage", UNSET))

        def _parse_regret(data: object) -> QualityRegretType0 | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                regret_type_0 = QualityRegretType0.from_dict(data)

                return regret_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | QualityRegretType0 | Unset", data)

        regret = _parse_regret(d.pop("regret", UNSET))

        def _parse_n_held_out_datasets(data: object) -> int | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        n_held_out_datasets = _parse_n_held_out_datasets(d.pop("n_held_out_datasets", UNSET))

        quality = cls(
            rank_correlation=rank_correlation,
            coverage=coverage,
            regret=regret,
            n_held_out_datasets=n_held_out_datasets,
        )

        quality.additional_properties = d
        return quality

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

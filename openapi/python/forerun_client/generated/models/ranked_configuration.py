from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.past_run import PastRun
    from ..models.ranked_configuration_configuration import RankedConfigurationConfiguration
    from ..models.ranked_configuration_explanation_type_0 import RankedConfigurationExplanationType0
    from ..models.ranked_configuration_origin_type_0 import RankedConfigurationOriginType0
    from ..models.ranked_configuration_predicted_type_0 import RankedConfigurationPredictedType0


T = TypeVar("T", bound="RankedConfiguration")


@_attrs_define
class RankedConfiguration:
    """One answered configuration.

    Attributes:
        rank (int):
        configuration (RankedConfigurationConfiguration): Parameter names and values; inactive parameters are absent.
        score (float | None): What the ranking was made by; higher is better.
        predicted (None | RankedConfigurationPredictedType0): By target. Null at a cold start, where there is nothing to
            predict from.
        probability_of_failure (float | None):
        probability_feasible (float | None): That the outcome constraints hold.
        novelty (float | None): Distance to what the history knows: 0 is familiar ground, 1 is unknown.
        pareto_front (int | None | Unset): With several objectives only: 0 is the best front.
        explanation (None | RankedConfigurationExplanationType0 | Unset): With `explain` only: by objective, the inputs
            that moved its prediction most.
        origin (None | RankedConfigurationOriginType0 | Unset): With `explain` only: by objective, how much is history
            and how much own runs.
        nearest_runs (list[PastRun] | None | Unset): With `explain` only: the runs of the history that resemble it most.

    """

    rank: int
    configuration: RankedConfigurationConfiguration
    score: float | None
    predicted: RankedConfigurationPredictedType0 | None
    probability_of_failure: float | None
    probability_feasible: float | None
    novelty: float | None
    pareto_front: int | Unset | None = UNSET
    explanation: RankedConfigurationExplanationType0 | Unset | None = UNSET
    origin: RankedConfigurationOriginType0 | Unset | None = UNSET
    nearest_runs: list[PastRun] | Unset | None = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.ranked_configuration_explanation_type_0 import RankedConfigurationExplanationType0
        from ..models.ranked_configuration_origin_type_0 import RankedConfigurationOriginType0
        from ..models.ranked_configuration_predicted_type_0 import RankedConfigurationPredictedType0

        rank = self.rank

        configuration = self.configuration.to_dict()

        score: float | None
        score = self.score

        predicted: dict[str, Any] | None
        if isinstance(self.predicted, RankedConfigurationPredictedType0):
            predicted = self.predicted.to_dict()
        else:
            predicted = self.predicted

        probability_of_failure: float | None
        probability_of_failure = self.probability_of_failure

        probability_feasible: float | None
        probability_feasible = self.probability_feasible

        novelty: float | None
        novelty = self.novelty

        pareto_front: int | Unset | None
        if isinstance(self.pareto_front, Unset):
            pareto_front = UNSET
        else:
            pareto_front = self.pareto_front

        explanation: dict[str, Any] | Unset | None
        if isinstance(self.explanation, Unset):
            explanation = UNSET
        elif isinstance(self.explanation, RankedConfigurationExplanationType0):
            explanation = self.explanation.to_dict()
        else:
            explanation = self.explanation

        origin: dict[str, Any] | Unset | None
        if isinstance(self.origin, Unset):
            origin = UNSET
        elif isinstance(self.origin, RankedConfigurationOriginType0):
            origin = self.origin.to_dict()
        else:
            origin = self.origin

        nearest_runs: list[dict[str, Any]] | Unset | None
        if isinstance(self.nearest_runs, Unset):
            nearest_runs = UNSET
        elif isinstance(self.nearest_runs, list):
            nearest_runs = []
            for nearest_runs_type_0_item_data in self.nearest_runs:
                nearest_runs_type_0_item = nearest_runs_type_0_item_data.to_dict()
                nearest_runs.append(nearest_runs_type_0_item)

        else:
            nearest_runs = self.nearest_runs

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "rank": rank,
                "configuration": configuration,
                "score": score,
                "predicted": predicted,
                "probability_of_failure": probability_of_failure,
                "probability_feasible": probability_feasible,
                "novelty": novelty,
            }
        )
        if pareto_front is not UNSET:
            field_dict["pareto_front"] = pareto_front
        if explanation is not UNSET:
            field_dict["explanation"] = explanation
        if origin is not UNSET:
            field_dict["origin"] = origin
        if nearest_runs is not UNSET:
            field_dict["nearest_runs"] = nearest_runs

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.past_run import PastRun
        from ..models.ranked_configuration_configuration import RankedConfigurationConfiguration
        from ..models.ranked_configuration_explanation_type_0 import RankedConfigurationExplanationType0
        from ..models.ranked_configuration_origin_type_0 import RankedConfigurationOriginType0
        from ..models.ranked_configuration_predicted_type_0 import RankedConfigurationPredictedType0

        d = dict(src_dict)
        rank = d.pop("rank")

        configuration = RankedConfigurationConfiguration.from_dict(d.pop("configuration"))

        def _parse_score(data: object) -> float | None:
            if data is None:
                return data
            return cast("float | None", data)

        score = _parse_score(d.pop("score"))

        def _parse_predicted(data: object) -> RankedConfigurationPredictedType0 | None:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                predicted_type_0 = RankedConfigurationPredictedType0.from_dict(data)

                return predicted_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | RankedConfigurationPredictedType0", data)

        predicted = _parse_predicted(d.pop("predicted"))

        def _parse_probability_of_failure(data: object) -> float | None:
            if data is None:
                return data
            return cast("float | None", data)

        probability_of_failure = _parse_probability_of_failure(d.pop("probability_of_failure"))

        def _parse_probability_feasible(data: object) -> float | None:
            if data is None:
                return data
            return cast("float | None", data)

        probability_feasible = _parse_probability_feasible(d.pop("probability_feasible"))

        def _parse_novelty(data: object) -> float | None:
            if data is None:
                return data
            return cast("float | None", data)

        novelty = _parse_novelty(d.pop("novelty"))

        def _parse_pareto_front(data: object) -> int | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast("int | None | Unset", data)

        pareto_front = _parse_pareto_front(d.pop("pareto_front", UNSET))

        def _parse_explanation(data: object) -> RankedConfigurationExplanationType0 | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                explanation_type_0 = RankedConfigurationExplanationType0.from_dict(data)

                return explanation_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | RankedConfigurationExplanationType0 | Unset", data)

        explanation = _parse_explanation(d.pop("explanation", UNSET))

        def _parse_origin(data: object) -> RankedConfigurationOriginType0 | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError
                origin_type_0 = RankedConfigurationOriginType0.from_dict(data)

                return origin_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("None | RankedConfigurationOriginType0 | Unset", data)

        origin = _parse_origin(d.pop("origin", UNSET))

        def _parse_nearest_runs(data: object) -> list[PastRun] | Unset | None:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError
                nearest_runs_type_0 = []
                _nearest_runs_type_0 = data
                for nearest_runs_type_0_item_data in _nearest_runs_type_0:
                    nearest_runs_type_0_item = PastRun.from_dict(nearest_runs_type_0_item_data)

                    nearest_runs_type_0.append(nearest_runs_type_0_item)

                return nearest_runs_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast("list[PastRun] | None | Unset", data)

        nearest_runs = _parse_nearest_runs(d.pop("nearest_runs", UNSET))

        ranked_configuration = cls(
            rank=rank,
            configuration=configuration,
            score=score,
            predicted=predicted,
            probability_of_failure=probability_of_failure,
            probability_feasible=probability_feasible,
            novelty=novelty,
            pareto_front=pareto_front,
            explanation=explanation,
            origin=origin,
            nearest_runs=nearest_runs,
        )

        ranked_configuration.additional_properties = d
        return ranked_configuration

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

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..models.observation_state import ObservationState, check_observation_state
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.observation_configuration import ObservationConfiguration
    from ..models.observation_metrics import ObservationMetrics
    from ..models.observation_resources import ObservationResources


T = TypeVar("T", bound="Observation")


@_attrs_define
class Observation:
    """A run that is told with the request instead of being stored.

    Attributes:
        configuration (ObservationConfiguration):
        metrics (ObservationMetrics | Unset):
        resources (ObservationResources | Unset):
        state (ObservationState | Unset):  Default: 'completed'.

    """

    configuration: ObservationConfiguration
    metrics: ObservationMetrics | Unset = UNSET
    resources: ObservationResources | Unset = UNSET
    state: ObservationState | Unset = "completed"

    def to_dict(self) -> dict[str, Any]:
        configuration = self.configuration.to_dict()

        metrics: dict[str, Any] | Unset = UNSET
        if not isinstance(self.metrics, Unset):
            metrics = self.metrics.to_dict()

        resources: dict[str, Any] | Unset = UNSET
        if not isinstance(self.resources, Unset):
            resources = self.resources.to_dict()

        state: str | Unset = UNSET
        if not isinstance(self.state, Unset):
            state = self.state

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "configuration": configuration,
            }
        )
        if metrics is not UNSET:
            field_dict["metrics"] = metrics
        if resources is not UNSET:
            field_dict["resources"] = resources
        if state is not UNSET:
            field_dict["state"] = state

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.observation_configuration import ObservationConfiguration
        from ..models.observation_metrics import ObservationMetrics
        from ..models.observation_resources import ObservationResources

        d = dict(src_dict)
        configuration = ObservationConfiguration.from_dict(d.pop("configuration"))

        _metrics = d.pop("metrics", UNSET)
        metrics: ObservationMetrics | Unset
        if isinstance(_metrics, Unset):
            metrics = UNSET
        else:
            metrics = ObservationMetrics.from_dict(_metrics)

        _resources = d.pop("resources", UNSET)
        resources: ObservationResources | Unset
        if isinstance(_resources, Unset):
            resources = UNSET
        else:
            resources = ObservationResources.from_dict(_resources)

        _state = d.pop("state", UNSET)
        state: ObservationState | Unset
        if isinstance(_state, Unset):
            state = UNSET
        else:
            state = check_observation_state(_state)

        observation = cls(
            configuration=configuration,
            metrics=metrics,
            resources=resources,
            state=state,
        )

        return observation

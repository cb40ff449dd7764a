from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.context_architecture import ContextArchitecture
    from ..models.context_environment import ContextEnvironment
    from ..models.context_fidelity import ContextFidelity
    from ..models.context_hyperparameters import ContextHyperparameters


T = TypeVar("T", bound="Context")


@_attrs_define
class Context:
    """Inputs that hold for every candidate: where and how long it will be trained.

    Attributes:
        hyperparameters (ContextHyperparameters | Unset):
        architecture (ContextArchitecture | Unset):
        environment (ContextEnvironment | Unset):
        fidelity (ContextFidelity | Unset):

    """

    hyperparameters: ContextHyperparameters | Unset = UNSET
    architecture: ContextArchitecture | Unset = UNSET
    environment: ContextEnvironment | Unset = UNSET
    fidelity: ContextFidelity | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        hyperparameters: dict[str, Any] | Unset = UNSET
        if not isinstance(self.hyperparameters, Unset):
            hyperparameters = self.hyperparameters.to_dict()

        architecture: dict[str, Any] | Unset = UNSET
        if not isinstance(self.architecture, Unset):
            architecture = self.architecture.to_dict()

        environment: dict[str, Any] | Unset = UNSET
        if not isinstance(self.environment, Unset):
            environment = self.environment.to_dict()

        fidelity: dict[str, Any] | Unset = UNSET
        if not isinstance(self.fidelity, Unset):
            fidelity = self.fidelity.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if hyperparameters is not UNSET:
            field_dict["hyperparameters"] = hyperparameters
        if architecture is not UNSET:
            field_dict["architecture"] = architecture
        if environment is not UNSET:
            field_dict["environment"] = environment
        if fidelity is not UNSET:
            field_dict["fidelity"] = fidelity

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.context_architecture import ContextArchitecture
        from ..models.context_environment import ContextEnvironment
        from ..models.context_fidelity import ContextFidelity
        from ..models.context_hyperparameters import ContextHyperparameters

        d = dict(src_dict)
        _hyperparameters = d.pop("hyperparameters", UNSET)
        hyperparameters: ContextHyperparameters | Unset
        if isinstance(_hyperparameters, Unset):
            hyperparameters = UNSET
        else:
            hyperparameters = ContextHyperparameters.from_dict(_hyperparameters)

        _architecture = d.pop("architecture", UNSET)
        architecture: ContextArchitecture | Unset
        if isinstance(_architecture, Unset):
            architecture = UNSET
        else:
            architecture = ContextArchitecture.from_dict(_architecture)

        _environment = d.pop("environment", UNSET)
        environment: ContextEnvironment | Unset
        if isinstance(_environment, Unset):
            environment = UNSET
        else:
            environment = ContextEnvironment.from_dict(_environment)

        _fidelity = d.pop("fidelity", UNSET)
        fidelity: ContextFidelity | Unset
        if isinstance(_fidelity, Unset):
            fidelity = UNSET
        else:
            fidelity = ContextFidelity.from_dict(_fidelity)

        context = cls(
            hyperparameters=hyperparameters,
            architecture=architecture,
            environment=environment,
            fidelity=fidelity,
        )

        return context

"""Contains all the data models used in inputs/outputs"""

from .audit_event import AuditEvent
from .audit_event_details import AuditEventDetails
from .audit_event_what import AuditEventWhat
from .audit_page import AuditPage
from .batch_receipt import BatchReceipt
from .batch_result import BatchResult
from .batch_result_status import BatchResultStatus
from .bool_parameter import BoolParameter
from .bool_parameter_when_type_0 import BoolParameterWhenType0
from .candidate_space import CandidateSpace
from .candidate_space_candidates_item import CandidateSpaceCandidatesItem
from .categorical_parameter import CategoricalParameter
from .categorical_parameter_when_type_0 import CategoricalParameterWhenType0
from .champion import Champion
from .champion_quality import ChampionQuality
from .constant_parameter import ConstantParameter
from .constant_parameter_when_type_0 import ConstantParameterWhenType0
from .context import Context
from .context_architecture import ContextArchitecture
from .context_environment import ContextEnvironment
from .context_fidelity import ContextFidelity
from .context_hyperparameters import ContextHyperparameters
from .curve_point import CurvePoint
from .curve_point_metrics import CurvePointMetrics
from .dataset_description import DatasetDescription
from .dataset_description_meta_features import DatasetDescriptionMetaFeatures
from .dataset_list import DatasetList
from .dataset_record import DatasetRecord
from .dataset_record_meta_features import DatasetRecordMetaFeatures
from .dataset_reference import DatasetReference
from .dataset_reference_meta_features import DatasetReferenceMetaFeatures
from .effect import Effect
from .float_parameter import FloatParameter
from .float_parameter_when_type_0 import FloatParameterWhenType0
from .health import Health
from .int_parameter import IntParameter
from .int_parameter_when_type_0 import IntParameterWhenType0
from .intervals_held import IntervalsHeld
from .key import Key
from .key_list import KeyList
from .key_request import KeyRequest
from .key_request_scopes_item import KeyRequestScopesItem
from .key_scopes_item import KeyScopesItem
from .last_refit import LastRefit
from .last_refit_state import LastRefitState
from .list_runs_state import ListRunsState
from .listed_recommendation import ListedRecommendation
from .listed_recommendation_basis import ListedRecommendationBasis
from .meta_learner import MetaLearner
from .meta_learner_detail import MetaLearnerDetail
from .meta_learner_detail_quality import MetaLearnerDetailQuality
from .meta_learner_detail_report import MetaLearnerDetailReport
from .meta_learner_list import MetaLearnerList
from .meta_learner_quality import MetaLearnerQuality
from .meta_learner_reference import MetaLearnerReference
from .neighbour import Neighbour
from .neighbour_list import NeighbourList
from .new_key import NewKey
from .new_key_scopes_item import NewKeyScopesItem
from .objective import Objective
from .objective_direction import ObjectiveDirection
from .observation import Observation
from .observation_configuration import ObservationConfiguration
from .observation_metrics import ObservationMetrics
from .observation_resources import ObservationResources
from .observation_state import ObservationState
from .ordinal_parameter import OrdinalParameter
from .ordinal_parameter_when_type_0 import OrdinalParameterWhenType0
from .origin import Origin
from .outcome import Outcome
from .outcome_basis import OutcomeBasis
from .outcome_constraint import OutcomeConstraint
from .outcome_constraint_op import OutcomeConstraintOp
from .outcome_list import OutcomeList
from .outcome_predicted_type_0 import OutcomePredictedType0
from .outcome_realised import OutcomeRealised
from .outcome_state import OutcomeState
from .overview import Overview
from .overview_list import OverviewList
from .parameter_space import ParameterSpace
from .parameter_space_forbidden_item import ParameterSpaceForbiddenItem
from .parameter_space_parameters_type_0 import ParameterSpaceParametersType0
from .past_run import PastRun
from .past_run_reached import PastRunReached
from .predicted_target import PredictedTarget
from .problem import Problem
from .problem_fault import ProblemFault
from .project import Project
from .project_detail import ProjectDetail
from .project_health import ProjectHealth
from .project_health_intervals import ProjectHealthIntervals
from .project_list import ProjectList
from .project_settings import ProjectSettings
from .quality import Quality
from .quality_regret_type_0 import QualityRegretType0
from .quality_regret_type_0_additional_property import QualityRegretType0AdditionalProperty
from .quality_regret_type_0_additional_property_additional_property import (
    QualityRegretType0AdditionalPropertyAdditionalProperty,
)
from .ranked_configuration import RankedConfiguration
from .ranked_configuration_configuration import RankedConfigurationConfiguration
from .ranked_configuration_explanation_type_0 import RankedConfigurationExplanationType0
from .ranked_configuration_origin_type_0 import RankedConfigurationOriginType0
from .ranked_configuration_predicted_type_0 import RankedConfigurationPredictedType0
from .readiness import Readiness
from .readiness_checks import ReadinessChecks
from .readiness_status import ReadinessStatus
from .realised import Realised
from .realised_predicted_type_0 import RealisedPredictedType0
from .realised_realised import RealisedRealised
from .realised_state import RealisedState
from .recommend_request import RecommendRequest
from .recommend_request_pending_item import RecommendRequestPendingItem
from .recommend_request_strategy import RecommendRequestStrategy
from .recommendation import Recommendation
from .recommendation_basis import RecommendationBasis
from .recommendation_list import RecommendationList
from .recommendation_record import RecommendationRecord
from .recommendation_record_basis import RecommendationRecordBasis
from .refit import Refit
from .refit_kind_type_0 import RefitKindType0
from .refit_list import RefitList
from .refit_policy import RefitPolicy
from .refit_progress_type_0 import RefitProgressType0
from .refit_request import RefitRequest
from .refit_state import RefitState
from .refit_trigger import RefitTrigger
from .retention import Retention
from .run import Run
from .run_architecture import RunArchitecture
from .run_batch import RunBatch
from .run_environment import RunEnvironment
from .run_error import RunError
from .run_fault import RunFault
from .run_fidelity import RunFidelity
from .run_hyperparameters import RunHyperparameters
from .run_list import RunList
from .run_metrics import RunMetrics
from .run_patch import RunPatch
from .run_patch_metrics import RunPatchMetrics
from .run_patch_resources import RunPatchResources
from .run_patch_state_type_0 import RunPatchStateType0
from .run_receipt import RunReceipt
from .run_receipt_status import RunReceiptStatus
from .run_record import RunRecord
from .run_record_architecture import RunRecordArchitecture
from .run_record_environment import RunRecordEnvironment
from .run_record_fidelity import RunRecordFidelity
from .run_record_hyperparameters import RunRecordHyperparameters
from .run_record_metrics import RunRecordMetrics
from .run_record_resources import RunRecordResources
from .run_record_state import RunRecordState
from .run_record_tags import RunRecordTags
from .run_resources import RunResources
from .run_state import RunState
from .run_tags import RunTags
from .runs_per_hour import RunsPerHour
from .search_summary import SearchSummary
from .search_summary_enumeration import SearchSummaryEnumeration
from .similar_dataset import SimilarDataset
from .similar_dataset_by import SimilarDatasetBy
from .verdict import Verdict
from .verdict_figures import VerdictFigures

__all__ = (
    "AuditEvent",
    "AuditEventDetails",
    "AuditEventWhat",
    "AuditPage",
    "BatchReceipt",
    "BatchResult",
    "BatchResultStatus",
    "BoolParameter",
    "BoolParameterWhenType0",
    "CandidateSpace",
    "CandidateSpaceCandidatesItem",
    "CategoricalParameter",
    "CategoricalParameterWhenType0",
    "Champion",
    "ChampionQuality",
    "ConstantParameter",
    "ConstantParameterWhenType0",
    "Context",
    "ContextArchitecture",
    "ContextEnvironment",
    "ContextFidelity",
    "ContextHyperparameters",
    "CurvePoint",
    "CurvePointMetrics",
    "DatasetDescription",
    "DatasetDescriptionMetaFeatures",
    "DatasetList",
    "DatasetRecord",
    "DatasetRecordMetaFeatures",
    "DatasetReference",
    "DatasetReferenceMetaFeatures",
    "Effect",
    "FloatParameter",
    "FloatParameterWhenType0",
    "Health",
    "IntParameter",
    "IntParameterWhenType0",
    "IntervalsHeld",
    "Key",
    "KeyList",
    "KeyRequest",
    "KeyRequestScopesItem",
    "KeyScopesItem",
    "LastRefit",
    "LastRefitState",
    "ListRunsState",
    "ListedRecommendation",
    "ListedRecommendationBasis",
    "MetaLearner",
    "MetaLearnerDetail",
    "MetaLearnerDetailQuality",
    "MetaLearnerDetailReport",
    "MetaLearnerList",
    "MetaLearnerQuality",
    "MetaLearnerReference",
    "Neighbour",
    "NeighbourList",
    "NewKey",
    "NewKeyScopesItem",
    "Objective",
    "ObjectiveDirection",
    "Observation",
    "ObservationConfiguration",
    "ObservationMetrics",
    "ObservationResources",
    "ObservationState",
    "OrdinalParameter",
    "OrdinalParameterWhenType0",
    "Origin",
    "Outcome",
    "OutcomeBasis",
    "OutcomeConstraint",
    "OutcomeConstraintOp",
    "OutcomeList",
    "OutcomePredictedType0",
    "OutcomeRealised",
    "OutcomeState",
    "Overview",
    "OverviewList",
    "ParameterSpace",
    "ParameterSpaceForbiddenItem",
    "ParameterSpaceParametersType0",
    "PastRun",
    "PastRunReached",
    "PredictedTarget",
    "Problem",
    "ProblemFault",
    "Project",
    "ProjectDetail",
    "ProjectHealth",
    "ProjectHealthIntervals",
    "ProjectList",
    "ProjectSettings",
    "Quality",
    "QualityRegretType0",
    "QualityRegretType0AdditionalProperty",
    "QualityRegretType0AdditionalPropertyAdditionalProperty",
    "RankedConfiguration",
    "RankedConfigurationConfiguration",
    "RankedConfigurationExplanationType0",
    "RankedConfigurationOriginType0",
    "RankedConfigurationPredictedType0",
    "Readiness",
    "ReadinessChecks",
    "ReadinessStatus",
    "Realised",
    "RealisedPredictedType0",
    "RealisedRealised",
    "RealisedState",
    "RecommendRequest",
    "RecommendRequestPendingItem",
    "RecommendRequestStrategy",
    "Recommendation",
    "RecommendationBasis",
    "RecommendationList",
    "RecommendationRecord",
    "RecommendationRecordBasis",
    "Refit",
    "RefitKindType0",
    "RefitList",
    "RefitPolicy",
    "RefitProgressType0",
    "RefitRequest",
    "RefitState",
    "RefitTrigger",
    "Retention",
    "Run",
    "RunArchitecture",
    "RunBatch",
    "RunEnvironment",
    "RunError",
    "RunFault",
    "RunFidelity",
    "RunHyperparameters",
    "RunList",
    "RunMetrics",
    "RunPatch",
    "RunPatchMetrics",
    "RunPatchResources",
    "RunPatchStateType0",
    "RunReceipt",
    "RunReceiptStatus",
    "RunRecord",
    "RunRecordArchitecture",
    "RunRecordEnvironment",
    "RunRecordFidelity",
    "RunRecordHyperparameters",
    "RunRecordMetrics",
    "RunRecordResources",
    "RunRecordState",
    "RunRecordTags",
    "RunResources",
    "RunState",
    "RunTags",
    "RunsPerHour",
    "SearchSummary",
    "SearchSummaryEnumeration",
    "SimilarDataset",
    "SimilarDatasetBy",
    "Verdict",
    "VerdictFigures",
)

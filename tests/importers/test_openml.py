from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.importers.openml import open_files
from app.importers.rules import Plan
from app.importers.source import CannotImport

Import = Callable[..., Any]

DOWNLOADED = """<?xml version="1.0"?>
<oml:run xmlns:oml="http://openml.org/openml">
  <oml:run_id>10437679</oml:run_id>
  <oml:uploader>5032</oml:uploader>
  <oml:uploader_name>Bot</oml:uploader_name>
  <oml:task_id>3</oml:task_id>
  <oml:task_type>Supervised Classification</oml:task_type>
  <oml:flow_id>17691</oml:flow_id>
  <oml:flow_name>sklearn.tree.DecisionTreeClassifier(1)</oml:flow_name>
  <oml:setup_id>8252042</oml:setup_id>
  <oml:setup_string>DecisionTreeClassifier()</oml:setup_string>
  <oml:parameter_setting><oml:name>max_depth</oml:name><oml:value>12</oml:value>
    <oml:component>17691</oml:component></oml:parameter_setting>
  <oml:parameter_setting><oml:name>criterion</oml:name><oml:value>"gini"</oml:value>
    <oml:component>17691</oml:component></oml:parameter_setting>
  <oml:parameter_setting><oml:name>verbose</oml:name><oml:value>0</oml:value>
    <oml:component>1</oml:component></oml:parameter_setting>
  <oml:parameter_setting><oml:name>verbose</oml:name><oml:value>true</oml:value>
    <oml:component>2</oml:component></oml:parameter_setting>
  <oml:input_data><oml:dataset><oml:did>3</oml:did><oml:name>kr-vs-kp</oml:name>
    <oml:url>https://example.org/data.arff</oml:url></oml:dataset></oml:input_data>
  <oml:output_data>
    <oml:file><oml:did>-1</oml:did><oml:file_id>1</oml:file_id><oml:name>description</oml:name>
      <oml:url>https://example.org/description.xml</oml:url></oml:file>
    <oml:file><oml:did>-1</oml:did><oml:file_id>2</oml:file_id><oml:name>predictions</oml:name>
      <oml:url>https://example.org/predictions.arff</oml:url></oml:file>
    <oml:evaluation><oml:name>predictive_accuracy</oml:name><oml:value>0.97</oml:value></oml:evaluation>
    <oml:evaluation repeat="0" fold="0"><oml:name>predictive_accuracy</oml:name><oml:value>0.5</oml:value>
    </oml:evaluation>
    <oml:evaluation repeat="0" fold="0"><oml:name>f_measure</oml:name><oml:value>0.8</oml:value></oml:evaluation>
    <oml:evaluation repeat="0" fold="1"><oml:name>f_measure</oml:name><oml:value>0.9</oml:value></oml:evaluation>
    <oml:evaluation repeat="0" fold="0"><oml:name>usercpu_time_millis</oml:name><oml:value>1500</oml:value>
    </oml:evaluation>
    <oml:evaluation><oml:name>confusion_matrix</oml:name><oml:array_data>[[1]]</oml:array_data></oml:evaluation>
  </oml:output_data>
</oml:run>
"""


def test_a_downloaded_run(tmp_path: Path, imported: Import) -> None:
    (tmp_path / "runs" / "10437679").mkdir(parents=True)
    (tmp_path / "runs" / "10437679" / "description.xml").write_text(DOWNLOADED)
    tally, runs = imported(open_files(tmp_path, Plan("openml")))
    assert (tally.created, tally.rejected) == (1, 0)
    run = runs["openml-10437679"]
    assert run["dataset"]["name"] == "kr-vs-kp"
    assert run["hyperparameters"] == {
        "flow": "sklearn.tree.DecisionTreeClassifier(1)",
        "max_depth": 12,
        "criterion": "gini",
        "1.verbose": 0,
        "2.verbose": True,
    }
    assert run["metrics"] == {"predictive_accuracy": 0.97, "f_measure": pytest.approx(0.85)}
    assert run["resources"] == {"duration_seconds": 1.5}
    assert run["tags"] == {
        "openml_task": "3", "openml_flow": "17691", "openml_setup": "8252042", "uploader": "Bot",
    }  # fmt: skip


def test_what_openmls_own_client_reads_and_writes(tmp_path: Path) -> None:
    """The client's own reader takes our example, and ours takes what its writer makes of a run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from openml.runs import OpenMLRun
        from openml.runs.functions import _create_run_from_xml

        own = _create_run_from_xml(DOWNLOADED)
        assert own.dataset_id == 3
        made = OpenMLRun(
            task_id=59,
            flow_id=8365,
            dataset_id=61,
            flow_name="weka.J48",
            run_id=7,
            parameter_settings=[OrderedDict([("oml:name", "C"), ("oml:value", "0.25"), ("oml:component", 8365)])],
            fold_evaluations={"predictive_accuracy": {0: {0: 0.9, 1: 0.7}}},
            data_content=[],
        )
        (tmp_path / "run").mkdir()
        (tmp_path / "run" / "description.xml").write_text(made._to_xml())
    ((body,),) = (chunk.bodies for chunk in open_files(tmp_path, Plan("p")).read(None))
    assert body["hyperparameters"]["C"] == 0.25
    assert body["metrics"] == {"predictive_accuracy": pytest.approx(0.8)}
    assert body["dataset"]["name"] == "openml-task-59"


def test_evaluations_as_a_table(tmp_path: Path) -> None:
    path = tmp_path / "evaluations.csv"
    path.write_text("run_id,task_id,data_name,C,value\n1,3,kr-vs-kp,0.25,0.9\n2,3,kr-vs-kp,0.5,0.8\n")
    ((first, _),) = (chunk.bodies for chunk in open_files(path, Plan("p", dataset="kr-vs-kp")).read(None))
    assert (first["run_id"], first["hyperparameters"]["C"], first["metrics"]) == ("1", 0.25, {"value": 0.9})


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("<oml:task xmlns:oml='http://openml.org/openml'/>", "describes no OpenML run"),
        ("<run", "unclosed token"),
        ("<!DOCTYPE r [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;'>]><r>&b;</r>", "Entities"),
    ],
)
def test_mistakes_are_told(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "description.xml").write_text(content)
    with pytest.raises(CannotImport, match=complaint):
        list(open_files(tmp_path, Plan("p")).read(None))
    with pytest.raises(CannotImport, match="holds no"):
        open_files(tmp_path / "nothing", Plan("p"))

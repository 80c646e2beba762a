"""What has to hold for parameters, names and outputs, as functions of the templates."""

from __future__ import annotations

import re
from typing import Any

from template_files import Json, Templates, within

_NESTED = {"Cdn": "cdn", "Observability": "observability"}
_LIMITS = {"AllowedValues", "AllowedPattern", "MinValue"}
# Names that have to differ in an account, or in all regions of it.
_NAMES = {"Name", "DashboardName", "AlarmName", "BudgetName"}
_NAMES |= {"BucketName", "QueueName", "FunctionName", "RoleName", "TopicName", "LogGroupName"}
_ONLY_OURS = ("AWS::StackName", "Name")


def nested_templates_are_given_what_they_ask_for(templates: Templates) -> None:
    for resource, part in _NESTED.items():
        nested = templates.parts()[part]
        settings = templates.root["Resources"][resource]["Properties"]
        assert settings["TemplateURL"] == f"infra/{part}.yaml"
        given = settings["Parameters"]
        assert given.keys() == nested["Parameters"].keys()
        for name, value in given.items():
            assert isinstance(value, dict), f"{name} is not passed on"
            if name in templates.root["Parameters"]:
                assert value == {"Ref": name}
            assert "Default" not in nested["Parameters"][name]  # the root's holds
        used = {
            path.removeprefix("Outputs.")
            for key, value in within(templates.root)
            if key == "Fn::GetAtt" and value[0] == resource
            for path in value[1:]
        }
        in_text = rf"\$\{{{resource}\.Outputs\.(\w+)\}}"
        used |= {
            n
            for k, v in within(templates.root)
            if k == "Fn::Sub"
            for n in re.findall(in_text, str(v))
        }
        assert used == nested["Outputs"].keys()


def no_name_is_that_of_another_stack(templates: Templates) -> None:
    """Two stacks live side by side in an account, and in two regions under one name."""
    for part, template in templates.parts().items():
        for resource in template["Resources"].values():
            kind = resource["Type"]
            if kind != "AWS::CloudFormation::Stack":
                _is_ours(resource.get("Properties", {}), kind, part)
    name = templates.root["Resources"]["Cdn"]["Properties"]["Parameters"]["Name"]
    assert name == {"Fn::Sub": "${AWS::StackName}-${AWS::Region}"}
    own = templates.root["Resources"]["Observability"]["Properties"]["Parameters"]["Name"]
    assert own == {"Ref": "AWS::StackName"}


def _is_ours(properties: Json, kind: str, part: str) -> None:
    config = [v for k, v in properties.items() if k.endswith("Config") or k == "Budget"]
    for place in (properties, *(each for each in config if isinstance(each, dict))):
        for key in _NAMES & place.keys():
            if not _refers(place[key], kind):
                text = str(place[key])
                assert any(f"{{{n}}}" in text or f"'{n}'" in text for n in _ONLY_OURS), (part, text)


def _refers(value: Any, kind: str) -> bool:
    """Whether it is no name that is given, but that of another resource."""
    return kind in {"AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping"} and (
        value == {"Ref": "DispatchFunction"} or value == {"Ref": "MirrorFunction"}
    )


def parameters_are_explained_bounded_and_grouped(templates: Templates) -> None:
    for template in templates.parts().values():
        for name, parameter in template["Parameters"].items():
            assert parameter.get("Description"), name
            assert _LIMITS & parameter.keys(), name
    root = templates.root["Parameters"]
    for name, parameter in root.items():
        assert "Default" in parameter, f"{name} has to be asked for"
        if "AllowedValues" in parameter:
            assert parameter["Default"] in parameter["AllowedValues"]
        if "MinValue" in parameter:
            assert parameter["MinValue"] <= parameter["Default"] <= parameter["MaxValue"]
        if "AllowedPattern" in parameter:
            assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])
            assert parameter["ConstraintDescription"]
    groups = templates.root["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    grouped = [name for group in groups for name in group["Parameters"]]
    assert sorted(grouped) == sorted(root)


def parameters_that_need_each_other_are_given_together(templates: Templates) -> None:
    assert sorted(templates.root["Rules"]) == [
        "CountriesNeedARestriction",
        "DomainNeedsItsCertificate",
        "RestrictionNeedsCountries",
    ]


def what_the_stack_tells_is_explained(templates: Templates) -> None:
    outputs = templates.root["Outputs"]
    for template in templates.parts().values():
        assert all(output.get("Description") for output in template["Outputs"].values())
    asked_for = {"PublicUrl", "StatusUrl", "BucketName", "DashboardUrl", "TopicArn", "QueueUrl"}
    assert asked_for | {"FailedRefreshesUrl", "FailedTicksUrl"} <= outputs.keys()

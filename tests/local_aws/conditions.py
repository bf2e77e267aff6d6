"""A template under given parameters, as CloudFormation evaluates it: conditions decided, parts that are off left out."""

import re

NO_VALUE = object()
NAME = re.compile(r"\$\{([^!}][^}]*)\}")


class Deployment:
    """The resources and outputs of a transformed template that remain under `given` parameters."""

    def __init__(self, template: dict, given: dict[str, str] | None = None):
        defaults = {name: parameter.get("Default", "") for name, parameter in template["Parameters"].items()}
        unknown = set(given or {}) - set(defaults)
        assert not unknown, f"no parameters: {unknown}"
        self.parameters = {**defaults, **(given or {})}
        self._conditions = template["Conditions"]
        self.resources = self._remaining(template["Resources"])
        self.outputs = self._remaining(template["Outputs"])

    def _remaining(self, parts: dict) -> dict:
        return {
            name: self._resolve({key: value for key, value in part.items() if key != "Condition"})
            for name, part in parts.items()
            if "Condition" not in part or self.holds(part["Condition"])
        }

    def holds(self, condition) -> bool:
        """Evaluates a condition, given by name or written out."""
        if isinstance(condition, str):
            return self.holds(self._conditions[condition])
        [(kind, operand)] = condition.items()
        match kind:
            case "Condition":
                return self.holds(operand)
            case "Fn::Not":
                return not self.holds(operand[0])
            case "Fn::And":
                return all(self.holds(each) for each in operand)
            case "Fn::Or":
                return any(self.holds(each) for each in operand)
            case "Fn::Equals":
                left, right = (self._value(each) for each in operand)
                return left == right
        raise AssertionError(f"no condition: {condition}")

    def _value(self, value) -> str:
        if isinstance(value, dict):
            return str(self.parameters[value["Ref"]])
        return value

    def _resolve(self, value):
        """The same with every `Fn::If` decided."""
        if isinstance(value, list):
            resolved = [self._resolve(each) for each in value]
            return [each for each in resolved if each is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if value == {"Ref": "AWS::NoValue"}:
            return NO_VALUE
        if "Fn::If" in value:
            condition, yes, no = value["Fn::If"]
            return self._resolve(yes if self.holds(condition) else no)
        resolved = {key: self._resolve(each) for key, each in value.items()}
        return {key: each for key, each in resolved.items() if each is not NO_VALUE}

    def dangling(self) -> set[str]:
        """The names that the remaining parts refer to and that do not exist."""
        known = {*self.resources, *self.parameters}
        named = set(names_in([self.resources, self.outputs]))
        return {name for name in named if name not in known and not name.startswith("AWS::")}


def names_in(value):
    """The logical names that a part of a template refers to."""
    if isinstance(value, list):
        for each in value:
            yield from names_in(each)
    if not isinstance(value, dict):
        return
    for key, each in value.items():
        match key:
            case "Ref":
                yield each
            case "Fn::GetAtt":
                yield each[0] if isinstance(each, list) else each.split(".")[0]
            case "DependsOn":
                yield from each if isinstance(each, list) else [each]
            case "Fn::Sub":
                text, own = (each, {}) if isinstance(each, str) else each
                yield from (name.split(".")[0] for name in NAME.findall(text) if name not in own)
                yield from names_in(own)
            case _:
                yield from names_in(each)

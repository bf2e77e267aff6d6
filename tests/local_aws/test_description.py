"""The order's schema and the API's description, as other people's tools read them: ajv in its strict mode, Redocly, Spectral."""

import json
import subprocess
from pathlib import Path

import pytest
from build import ROOT
from npm import installed
from stack import NETWORKS

INTAKE = ROOT / "functions" / "intake"
VALIDATE = """
const ajv = new (require('ajv/dist/2020'))({ strict: true, allErrors: true });
require('ajv-formats')(ajv);
const validate = ajv.compile(JSON.parse(require('fs').readFileSync(process.argv[1])));
const orders = JSON.parse(require('fs').readFileSync(0));
console.log(JSON.stringify(orders.map((order) => validate(order) || validate.errors.map((error) => error.instancePath))));
"""
ORDER = {"order_id": "A-1", "status": "completed", "completed_at": "2026-11-21T10:15:00Z", "currency": "INR", "total": "1499.00"}


def judged(schema: Path, orders: list[dict]) -> list[bool]:
    """Which of the orders ajv takes by a schema that its strict mode takes."""
    modules = installed()
    done = subprocess.run(
        ["node", "-e", VALIDATE, str(schema)],
        cwd=modules.parent, env={"NODE_PATH": str(modules), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        input=json.dumps(orders), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [one is True for one in json.loads(done.stdout)]


def test_ajv_takes_the_schema_in_its_strict_mode_and_judges_by_it():
    orders = [
        ORDER,
        {**ORDER, "comment": "<script>", "customer": {"email": ""}, "items": []},
        {"order_id": "A-1", "status": "cancelled"},
        {"order_id": "A-1", "status": "partially_refunded", "currency": "EUR", "refunds": [{"id": "R-1", "amount": "5.00"}]},
        {**ORDER, "total": "many"},
        {"order_id": "A-1", "status": "completed"},
        {**ORDER, "totl": "1"},
        {"order_id": "A-1", "status": "partially_refunded", "currency": "EUR", "refunds": []},
    ]

    assert judged(INTAKE / "order.schema.json", orders) == [True] * 4 + [False] * 4


@pytest.mark.parametrize("network", [network.name for network in NETWORKS])
def test_ajv_takes_the_description_of_each_networks_order(network, tmp_path):
    document = json.loads((INTAKE / "openapi.json").read_text().replace("#/components/schemas/", "#/$defs/"))
    body = document["paths"][f"/orders/{network}"]["post"]["requestBody"]["content"]["application/json"]
    schema = tmp_path / "order.json"
    schema.write_text(json.dumps({**body["schema"], "$defs": document["components"]["schemas"]}))
    others, own = {**ORDER, "clicks": {"nobody": {"id": 1}}}, {**ORDER, "clicks": {network: {"nobodys": 1}}}

    assert judged(schema, [ORDER, others, own]) == [True, True, False]


@pytest.mark.parametrize(
    "command",
    [
        ["redocly", "lint", "--format=stylish"],
        ["spectral", "lint", "--ruleset", "RULES", "--fail-severity=error"],
    ],
    ids=["redocly", "spectral"],
)
def test_the_description_passes_the_linters(command, tmp_path):
    modules = installed()
    rules = tmp_path / "rules.yaml"
    rules.write_text('extends: ["spectral:oas"]\n')
    program, *arguments = (str(rules) if word == "RULES" else word for word in command)

    done = subprocess.run(
        [str(modules / ".bin" / program), *arguments, str(INTAKE / "openapi.json")], cwd=tmp_path, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stdout + done.stderr

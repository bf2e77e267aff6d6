"""A network's report against the ledger, the decisions that follow from it, and claims, as an operator would do it."""

import csv

from test_end_to_end import effects, known_as, new_id
from test_tool import held, postback  # noqa: F401


def rows(path) -> dict:
    return {row["order_id"]: row for row in csv.DictReader(path.open())}


def test_held_deliveries_are_decided_by_a_report_and_claims_are_answered(stack, postback, tmp_path):  # noqa: F811
    there, missing = held(stack), held(stack, processed=False)
    report = tmp_path / "report.csv"
    # Other deployments report to the same sandbox: of a report that is mostly theirs, nothing is decided.
    header, *all_lines = stack.sandbox("GET", "/_report?network=cashmycell").text.splitlines(keepends=True)
    own = known_as(there)["cashmycell"]
    report.write_text(header + "".join(line for line in all_lines if own in line))
    wanted = ["--network", "cashmycell", "--report", str(report), "--from", "1h", "--to", "2100-01-01"]

    preview = postback("reconcile", *wanted, "--preview", "--json").json
    assert preview["columns"]["conversion"] == ["cmc_id"] and preview["unreadable"] == 0
    assert postback("reconcile", *wanted, "--out", str(tmp_path)).status == 6

    lines, decisions = rows(tmp_path / "lines.csv"), rows(tmp_path / "decisions.csv")
    assert lines[there["order_id"]]["matched_by"] == "conversion id"
    assert decisions[there["order_id"]]["decision"] == "delivered"
    # The network shows a conversion after two minutes: what it lacks now may still come.
    assert lines[missing["order_id"]]["reason"] == "too_early" and missing["order_id"] not in decisions
    # A person keeps the row that is decided now.
    with (tmp_path / "decisions.csv").open("w") as file:
        writer = csv.DictWriter(file, decisions[there["order_id"]])
        writer.writeheader()
        writer.writerow(decisions[there["order_id"]])
    settle = ["settle", "--from", str(tmp_path / "decisions.csv"), "--report", str(report), "--reason", "outage", "--json"]

    assert postback(*settle, "--dry-run").json["decisions"]["delivered"] == 1
    first = postback(*settle, "--yes").json
    assert (first["recorded"], first["messages"]) == (1, 0)
    assert effects(stack, there)["cashmycell"] == 1
    again = postback(*settle, "--yes").json
    assert (again["recorded"], again["done_before"]) == (0, 1)

    claims, unknown = tmp_path / "claims.csv", new_id()
    claims.write_text("Order ID,Date\n" + "".join(f"{each},2026-11-21\n" for each in (there["order_id"], unknown)))
    answers = postback("claims", "answer", str(claims), "--network", "cashmycell", "--json").json["answers"]
    assert [answer["verdict"] for answer in answers] == ["reported", "unknown"]

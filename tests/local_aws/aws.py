"""The AWS CLI, as far as the documents use it: there is none that could be installed here.

`aws SERVICE OPERATION --some-option value --flag --no-flag --query EXPRESSION --output text` calls the operation of that
name, so that an option which does not exist is an error; `aws logs tail` is the CLI's own command.
"""

import json
import sys
import time

import boto3
import jmespath

SECONDS = {"m": 60, "h": 3600, "d": 86400}


def options(words: list[str]) -> dict:
    """`--some-option value` is `SomeOption`, a flag is true or, with `--no-`, false."""
    found: dict = {}
    rest = list(words)
    while rest:
        name = rest.pop(0).removeprefix("--")
        if rest and not rest[0].startswith("--"):
            found[name] = rest.pop(0)
        else:
            found[name.removeprefix("no-")] = not name.startswith("no-")
    return found


def tail(group: str, words: list[str]) -> None:
    given = options(words)
    since = given.pop("since", "10m")
    start = time.time() - int(since[:-1]) * SECONDS[since[-1]]
    pattern = given.pop("filter-pattern", "")
    assert not given, given
    pages = boto3.client("logs").get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=group, startTime=int(start * 1000), filterPattern=pattern):
        for event in page["events"]:
            print(event["message"])


def call(service: str, operation: str, words: list[str]) -> None:
    given = options(words)
    query, output = given.pop("query", None), given.pop("output", "json")
    named = {"".join(word.capitalize() for word in name.split("-")): value for name, value in given.items()}
    named = {name.replace("Uuid", "UUID"): value for name, value in named.items()}
    answer = getattr(boto3.client(service), operation.replace("-", "_"))(**named)
    found = jmespath.search(query, answer) if query else answer
    print(found if output == "text" else json.dumps(found, default=str))


if __name__ == "__main__":
    service, operation, *words = sys.argv[1:]
    if (service, operation) == ("logs", "tail"):
        tail(words[0], words[1:])
    else:
        call(service, operation, words)

"""The function a shop would write with Powertools: idempotency by order id, one call to ShopBack, batches from SQS."""

import json
import os

import requests
from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent_function,
)

logger = Logger(service="shopback")
persistence = DynamoDBPersistenceLayer(table_name=os.environ["LEDGER_TABLE"])
config = IdempotencyConfig(event_key_jmespath="order_id")
processor = BatchProcessor(event_type=EventType.SQS)
session = requests.Session()


@idempotent_function(data_keyword_argument="order", config=config, persistence_store=persistence)
def deliver(order: dict) -> dict:
    answer = session.get(
        f"{os.environ['NETWORK_ENDPOINT']}/aff_lsr",
        params={
            "offer_id": os.environ["OFFER_ID"],
            "adv_sub": order["order_id"],
            "transaction_id": order["clicks"]["shopback"]["transaction_id"],
            "amount": order["total"],
            "security_token": os.environ["SECURITY_TOKEN"],
        },
        timeout=10,
    )
    answer.raise_for_status()
    if not answer.text.lstrip().startswith("success=true"):
        raise RuntimeError("refused")
    logger.info("delivered", order_id=order["order_id"])
    return {"order_id": order["order_id"], "state": "delivered"}


def deliver_record(record) -> dict:
    return deliver(order=json.loads(record.body)["detail"])


def handler(event: dict, context) -> dict:
    config.register_lambda_context(context)
    if "Records" in event:
        return process_partial_response(event=event, record_handler=deliver_record, processor=processor, context=context)
    result = deliver(order=json.loads(event["body"]))
    return {
        "statusCode": 200,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(result),
    }

// The function a shop would write with Powertools: idempotency by order id, one call to ShopBack, batches from SQS.

import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { Logger } from '@aws-lambda-powertools/logger';

const logger = new Logger({ serviceName: 'shopback' });
const persistenceStore = new DynamoDBPersistenceLayer({ tableName: process.env.LEDGER_TABLE });
const config = new IdempotencyConfig({ eventKeyJmesPath: 'order_id' });
const processor = new BatchProcessor(EventType.SQS);

const deliver = makeIdempotent(
  async (order) => {
    const query = new URLSearchParams({
      offer_id: process.env.OFFER_ID,
      adv_sub: order.order_id,
      transaction_id: order.clicks.shopback.transaction_id,
      amount: order.total,
      security_token: process.env.SECURITY_TOKEN,
    });
    const answer = await fetch(`${process.env.NETWORK_ENDPOINT}/aff_lsr?${query}`);
    const text = await answer.text();
    if (!answer.ok || !text.trimStart().startsWith('success=true')) {
      throw new Error(`refused with ${answer.status}`);
    }
    logger.info('delivered', { order_id: order.order_id });
    return { order_id: order.order_id, state: 'delivered' };
  },
  { persistenceStore, config },
);

export const handler = async (event, context) => {
  config.registerLambdaContext(context);
  if (event.Records) {
    const deliverRecord = async (record) => deliver(JSON.parse(record.body).detail);
    return processPartialResponse(event, deliverRecord, processor, { context });
  }
  const result = await deliver(JSON.parse(event.body));
  return { statusCode: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(result) };
};

// Does the work of Lambda's Node.js runtime: loads the handler, polls the Runtime API, answers.

import http from 'node:http';
import { pathToFileURL } from 'node:url';

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const request = http.request({ host, port, agent, method, path: `/2018-06-01/runtime/${path}`, headers }, (answer) => {
      const chunks = [];
      answer.on('data', (chunk) => chunks.push(chunk));
      answer.on('end', () => resolve({ headers: answer.headers, body: Buffer.concat(chunks).toString() }));
      answer.on('error', reject);
    });
    request.on('error', reject);
    request.end(body);
  });
}

const { handler } = await import(pathToFileURL(process.argv[2]));
for (;;) {
  const { headers, body } = await call('GET', 'invocation/next');
  const id = headers['lambda-runtime-aws-request-id'];
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  const context = {
    awsRequestId: id,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    const answer = await handler(JSON.parse(body), context);
    await call('POST', `invocation/${id}/response`, JSON.stringify(answer ?? null));
  } catch (error) {
    const failure = { errorType: error.name, errorMessage: error.message, cause: String(error.cause ?? '') };
    await call('POST', `invocation/${id}/error`, JSON.stringify(failure));
  }
}

// A running `durable-trace serve`, whose functions are the demo's own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import readline from 'node:readline';

const PROGRAM = process.env.DURABLE_TRACE;

// Asks as a program does, not as a browser: without `Origin` and `Sec-Fetch-*`.
export function ask(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request(url, { method, headers }, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, text: Buffer.concat(pieces).toString() }));
    });
    request.on('error', reject);
    request.end(body);
  });
}

export async function serve(...functions) {
  const args = ['serve', '--port', '0', ...functions.flatMap((name) => ['--function', `${name}='${PROGRAM}' function ${name}`])];
  const child = spawn(PROGRAM, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, AWS_LAMBDA_LOG_LEVEL: 'WARN', NO_COLOR: '1' } });
  const said = [];
  const stderr = readline.createInterface({ input: child.stderr }).on('line', (text) => said.push(text));
  const [[line]] = await Promise.all([once(readline.createInterface({ input: child.stdout }), 'line'), once(stderr, 'line')]);
  const endpoint = line.replace('export AWS_ENDPOINT_URL_LAMBDA=', '');
  return {
    endpoint,
    said,
    // Starts an execution and gives its ARN.
    async invoke(name, payload = '{}') {
      const { headers } = await ask(`${endpoint}/2015-03-31/functions/${name}/invocations`, { method: 'POST', headers: { 'x-amz-invocation-type': 'Event' }, body: payload });
      return headers['x-amz-durable-execution-arn'];
    },
    async execution(arn) {
      const { text } = await ask(`${endpoint}/2025-12-01/durable-executions/${encodeURIComponent(arn)}`);
      return JSON.parse(text);
    },
    async stop() {
      if (child.exitCode !== null) return;
      child.kill('SIGINT');
      await once(child, 'exit');
    },
  };
}

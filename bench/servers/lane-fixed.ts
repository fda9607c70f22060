/** Reference: the lane that parses the body as JSON and answers fixed bytes. What any server on the lane costs at least. */
import { systemClock } from '../../dist/kernel/clock.js';
import { createEngineSignals } from '../../dist/signal/signal.js';
import { HttpEndpoint, resolveHttpOptions, resolveTransportLimits } from '../../dist/transport/transport.js';
import { announce, readArguments } from './announce.ts';

const { toolset, scenario, answer, port } = readArguments();
const text = answer ?? (await (await import('../scenarios/fixed-answer.ts')).fixedAnswer(toolset, scenario));

const endpoint = new HttpEndpoint({
  options: resolveHttpOptions({ port }),
  limits: resolveTransportLimits(),
  clock: systemClock,
  signals: createEngineSignals(),
  acceptor: {
    post: (exchange, body) => {
      JSON.parse(body);
      exchange.respond(200, text);
    },
    other: (exchange) => exchange.respond(405, ''),
    connect: () => {
      throw new Error('this reference serves HTTP only');
    },
  },
});
announce({ port: Number(new URL(await endpoint.listen()).port), address: '127.0.0.1', family: 'IPv4' });

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TicketStreamError } from '@ticket-stream/errors';
import type { Account } from '../account.ts';
import type { SimulatorLogger } from '../logger.ts';
import type { CheckedOptions } from '../simulator-options.ts';
import { unknownEndpoint } from './answers.ts';
import { answerControl } from './control-endpoint.ts';
import { refuse } from './exchange.ts';
import { answerExport } from './export-endpoint.ts';
import { answerLogin, LOGIN_PATH } from './fault-answers.ts';
import { RequestCounts, type RequestFigures } from './request-counts.ts';
import { answerTicket, isTicketPath } from './ticket-endpoint.ts';
import { answerTokens, TOKEN_PATH } from './token-endpoint.ts';

export class SimulatorServer {
  private readonly counts: RequestCounts;
  private readonly account: Account;
  private readonly options: CheckedOptions;
  private readonly logger: SimulatorLogger;
  private readonly server: Server;
  private readonly running = new Set<Promise<void>>();
  private origin = '';

  constructor(account: Account, options: CheckedOptions) {
    this.account = account;
    this.options = options;
    this.logger = options.logger;
    this.counts = new RequestCounts(options.limitNowMs);
    this.server = createServer((request, response) => {
      const answered = this.answer(request, response).catch((error: unknown) => {
        // A client that goes away in the middle of its page is everyday; anything else is worth a line.
        this.logger.warn({ err: error, path: request.url?.split('?')[0] }, 'a request ended early');
        response.destroy();
      });
      this.running.add(answered);
      answered.finally(() => this.running.delete(answered)).catch(() => {});
    });
  }

  /** Its own address, without a slash at the end. */
  get url(): string {
    return this.origin;
  }

  get requests(): RequestFigures {
    return this.counts.figures();
  }

  /** @throws config.port_taken */
  async listen(): Promise<void> {
    const { host, port } = this.options;
    this.server.listen(port, host);
    try {
      await once(this.server, 'listening');
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'EADDRINUSE') {
        throw new TicketStreamError('config.port_taken', `port ${port} on ${host} is taken`, { cause });
      }
      throw cause;
    }
    const address = this.server.address() as AddressInfo;
    const shown = address.family === 'IPv6' ? `[${address.address}]` : address.address;
    this.origin = `http://${shown}:${address.port}`;
  }

  /** Requests that run are cut: whoever stops the simulator does not wait for a slow reader. */
  async close(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.server.closeAllConnections();
    await closed;
    // Only then may the ledger's file be closed: a page that is being cut still writes to it.
    await Promise.allSettled(this.running);
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = URL.canParse(request.url ?? '', 'http://simulator')
      ? new URL(request.url ?? '', 'http://simulator')
      : undefined;
    if (url === undefined) {
      refuse(response, unknownEndpoint, this.account.presentSecond());
      return;
    }
    const exchange = {
      request,
      response,
      url,
      account: this.account,
      options: this.options,
      counts: this.counts,
      ownOrigin: this.origin,
    };
    if (url.pathname.startsWith('/simulator/')) await answerControl(exchange);
    else if (url.pathname === TOKEN_PATH) await answerTokens(exchange);
    else if (isTicketPath(url.pathname)) answerTicket(exchange);
    else if (url.pathname === LOGIN_PATH) answerLogin(response, this.account.presentSecond());
    else {
      try {
        await answerExport(exchange);
      } finally {
        if (response.headersSent) this.counts.answered(response.statusCode);
      }
    }
  }
}

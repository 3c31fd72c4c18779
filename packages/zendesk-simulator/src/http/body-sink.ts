/**
 * The way of a page's bytes onto the wire, compressed or not: as fast as the reader takes them, no faster. Here a body
 * is cut, ended early or stalled, where a fault says so.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { constants, createGzip } from 'node:zlib';
import type { BodyFault } from '../faults/fault-plan.ts';
import { pause } from './pause.ts';

/** Takes bytes and waits until they have left; the buffer may then be used again. */
export interface BodySink {
  /**
   * @throws BodyFaulted  the body ended here, as its fault has it
   * @throws whatever else ended the connection before the page's end
   */
  send(bytes: Buffer): Promise<void>;
  end(): Promise<void>;
}

export class BodyFaulted extends Error {}

/** @param fault  what happens to the body, and whom to tell when it does */
export function bodySink(
  response: ServerResponse,
  gzip: boolean,
  fault: { readonly is: BodyFault; readonly played: () => void } | undefined,
): BodySink {
  const wire = fault === undefined ? new Wire(response) : new FaultyWire(response, fault.is, fault.played);
  return gzip ? gzipSink(wire) : wire;
}

class Wire implements BodySink {
  protected readonly response: ServerResponse;
  private readonly closed: Promise<void>;

  constructor(response: ServerResponse) {
    this.response = response;
    this.closed = once(response, 'close').then(() => {
      if (!response.writableFinished) throw new Error('the connection ended before the page did');
    });
    // Looked at by whoever waits; a page that is finished has nobody waiting.
    this.closed.catch(() => {});
  }

  send(bytes: Buffer): Promise<void> {
    return Promise.race([written(this.response, bytes), this.closed]);
  }

  async end(): Promise<void> {
    this.response.end();
    await this.closed;
  }
}

class FaultyWire extends Wire {
  private readonly fault: BodyFault;
  private readonly played: () => void;
  private sent = 0;
  private stalls = 0;
  /** A body that is to end early keeps its last piece back, so that it can end before its end. */
  private held: Buffer = Buffer.alloc(0);

  constructor(response: ServerResponse, fault: BodyFault, played: () => void) {
    super(response);
    this.fault = fault;
    this.played = played;
  }

  override async send(bytes: Buffer): Promise<void> {
    const { fault } = this;
    const before = fault.atByte - this.sent;
    this.sent += bytes.length;
    switch (fault.kind) {
      case 'cut':
        if (bytes.length < before) return await super.send(bytes);
        return await this.cut(bytes.subarray(0, before));
      case 'end_early':
        if (this.held.length > 0) await super.send(this.held);
        if (bytes.length > before) return await this.endEarly(bytes.subarray(0, before));
        this.held = Buffer.from(bytes);
        return;
      case 'stall':
        if (this.stalls > 0 || bytes.length < before) return await super.send(bytes);
        await super.send(bytes.subarray(0, before));
        await this.stall(fault.forMs);
        return await super.send(bytes.subarray(before));
    }
  }

  override async end(): Promise<void> {
    const { fault } = this;
    if (fault.kind === 'cut') return await this.cut(Buffer.alloc(0));
    if (fault.kind === 'end_early') return await this.endEarly(this.held.subarray(0, -1));
    if (this.stalls === 0) await this.stall(fault.forMs);
    return await super.end();
  }

  private async cut(last: Buffer): Promise<never> {
    this.response.flushHeaders();
    if (last.length > 0) await super.send(last);
    else await new Promise((resolve) => setImmediate(resolve));
    this.response.destroy();
    this.played();
    throw new BodyFaulted('cut');
  }

  private async endEarly(last: Buffer): Promise<never> {
    if (last.length > 0) await super.send(last);
    await super.end();
    this.played();
    throw new BodyFaulted('ended early');
  }

  private async stall(forMs: number): Promise<void> {
    this.stalls += 1;
    this.played();
    // What was sent so far is to be there while nothing comes.
    this.response.flushHeaders();
    await pause(forMs, this.response);
  }
}

function gzipSink(wire: BodySink): BodySink {
  // Level 1: a page is compressed at 150 MB/s instead of 50, for a body a tenth larger.
  const gzip = createGzip({ level: constants.Z_BEST_SPEED });
  const piped = pipeline(gzip, async (pieces: AsyncIterable<Buffer>) => {
    for await (const piece of pieces) await wire.send(piece);
    await wire.end();
  });
  piped.catch(() => {});
  return {
    send: (bytes) => Promise.race([written(gzip, bytes), piped]),
    async end() {
      gzip.end();
      await piped;
    },
  };
}

function written(out: NodeJS.WritableStream, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    out.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

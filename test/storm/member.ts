import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { type Books, emptyBooks } from '@ticket-stream/subscriber';
import { until } from '../support/condition.ts';

export interface MemberSettings {
  readonly name: string;
  readonly brokers: string;
  readonly topic: string;
  readonly group: string;
  readonly storeFile: string;
  readonly effectFile: string;
  /** A ticket id: before the effect of a batch with it, the member says `held` and waits for `go on`. */
  readonly holdBefore?: string;
}

export type ToMember = 'join' | 'leave' | 'go on';
export type FromMember =
  | { readonly type: 'joining' | 'held' }
  | { readonly type: 'progress'; readonly partitions: number; readonly books: Books }
  | { readonly type: 'waiting'; readonly reason: string | undefined }
  | { readonly type: 'left'; readonly books: Books | undefined }
  | { readonly type: 'failed'; readonly error: string };

/** A member process, from outside. It outlives its memberships: coming and going costs no start of a process. */
export class Member {
  readonly name: string;
  readonly #settings: MemberSettings;
  #child: ChildProcess | undefined;
  #exited: Promise<unknown> = Promise.resolve();
  /** Joining or joined, and not asked to leave. */
  joined: boolean = false;
  leaving: boolean = false;
  held = false;
  partitions = 0;
  /** Of this membership. */
  books: Books = emptyBooks;
  failure: string | undefined;
  /** As it says itself. */
  waiting: string | undefined;

  constructor(settings: MemberSettings) {
    this.name = settings.name;
    this.#settings = settings;
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Joins the group; starts the process where there is none. */
  join(): void {
    if (!this.running) this.#start();
    this.joined = true;
    this.books = emptyBooks;
    this.#tell('join');
  }

  /** Resolves when the member has left the group. */
  async leave(): Promise<void> {
    this.joined = false;
    this.leaving = true;
    this.#tell('leave');
    await until(`${this.name} has left`, () => !this.running || this.#left, 90_000);
    this.leaving = false;
    this.partitions = 0;
    if (this.failure !== undefined) throw new Error(`${this.name}: ${this.failure}`);
  }

  goOn(): void {
    this.#tell('go on');
  }

  signal(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  /** kill -9, and the process is gone on return. */
  async kill(): Promise<void> {
    this.joined = false;
    this.partitions = 0;
    if (this.running) this.#child?.kill('SIGKILL');
    await this.#exited;
  }

  #left = false;

  #start(): void {
    this.failure = undefined;
    const child = fork(new URL('./member-process.ts', import.meta.url), [JSON.stringify(this.#settings)], {
      execArgv: [],
    });
    child.on('message', (message: FromMember) => {
      if (child !== this.#child) return;
      if (message.type === 'joining') this.#left = false;
      if (message.type === 'held') this.held = true;
      if (message.type === 'waiting') this.waiting = message.reason;
      if (message.type === 'left') {
        this.#left = true;
        this.books = message.books ?? this.books;
      }
      if (message.type === 'failed') this.failure = message.error;
      if (message.type === 'progress') {
        this.partitions = message.partitions;
        this.books = message.books;
      }
    });
    this.#child = child;
    this.#exited = once(child, 'exit');
  }

  #tell(message: ToMember): void {
    this.#left = false;
    this.#child?.send(message);
  }
}

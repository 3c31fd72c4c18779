/**
 * Every error the system names, what the caller does with it, and what a person does about it.
 *
 * - `retry`: the condition passes; wait with backoff and do the same step again. Nothing moved.
 * - `dead_letter`: this one ticket or record can never work; set it aside with its bytes and go on.
 * - `stop`: going on would be wrong; end the process with the code's exit code.
 *
 * Codes are few and fixed, so that they serve as metric labels; a retired code is never reused.
 */
export type Disposition = 'retry' | 'dead_letter' | 'stop';

/** Exit codes of every process; ARCHITECTURE.md says what each means. */
export const exitCodes = {
  done: 0,
  defect: 1,
  configuration: 2,
  credentials: 3,
  ownedElsewhere: 4,
  dataAtRisk: 5,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

interface ErrorEntry {
  readonly disposition: Disposition;
  readonly exitCode?: ExitCode;
  readonly remedy: string;
}

export const errorTable = {
  'config.invalid': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Fix the named options; nothing was read or written.',
  },
  'config.port_taken': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Stop what listens there, choose another port, or leave the option out to get the next free one.',
  },
  'source.mismatch': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Point TICKETS_TOPIC to another set of topics, or go back to the source the checkpoint names.',
  },
  'rules.invalid': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Fix the rule file at the named line and column; nothing was started.',
  },

  'zendesk.credentials_refused': {
    disposition: 'stop',
    exitCode: exitCodes.credentials,
    remedy:
      'Check ZENDESK_EMAIL and ZENDESK_API_TOKEN (or ZENDESK_PASSWORD, or ZENDESK_OAUTH_TOKEN or _CLIENT_ID), and that the user is an administrator.',
  },
  'zendesk.token_refused': {
    disposition: 'retry',
    remedy: 'None; a fresh token is fetched, and the page is asked for again.',
  },
  'zendesk.not_found': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Check ZENDESK_URL: there is no help desk, or no export, at that address.',
  },
  'zendesk.request_refused': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Zendesk refuses the request as it is; check START_TIME and EXPORT_PER_PAGE against its answer.',
  },
  'zendesk.rate_limited': { disposition: 'retry', remedy: 'None; waits as long as Retry-After says.' },
  'zendesk.too_recent': {
    disposition: 'retry',
    remedy: 'None; caught up, asks again at the paced interval.',
  },
  'zendesk.unavailable': {
    disposition: 'retry',
    remedy: 'None while it passes; the page is asked for again.',
  },
  'zendesk.page_too_slow': {
    disposition: 'retry',
    remedy: 'None; the page is asked for again with half the per_page.',
  },
  'zendesk.page_truncated': { disposition: 'retry', remedy: 'None; the page is fetched again.' },
  'zendesk.page_malformed': {
    disposition: 'retry',
    remedy: 'None while it passes; if it stays, look at what a proxy between here and Zendesk answers.',
  },
  'zendesk.page_too_large': {
    disposition: 'retry',
    remedy: 'None; the page is asked for again with half the per_page.',
  },
  'zendesk.page_stuck': {
    disposition: 'stop',
    exitCode: exitCodes.dataAtRisk,
    remedy:
      'One second holds more tickets than a page and the export does not move past it; raise EXPORT_PER_PAGE (up to 1000).',
  },
  'spill.unavailable': {
    disposition: 'retry',
    remedy:
      'Give the disk of DATA_DIR room (a page with sideloads waits there, up to 256 MB) or leave EXPORT_INCLUDE out; the page is asked for again.',
  },

  'ticket.no_id': { disposition: 'dead_letter', remedy: 'Look at the dead letter: it has no usable id.' },
  'ticket.no_version': {
    disposition: 'dead_letter',
    remedy: 'Look at the dead letter: it has no usable time, so copies of it cannot be compared.',
  },
  'ticket.own_embedded': {
    disposition: 'dead_letter',
    remedy:
      'Look at the dead letter: the field _embedded is where sideloads are put, and this ticket has its own.',
  },
  'ticket.too_large': {
    disposition: 'dead_letter',
    remedy: "Fetch the ticket by its id; raise the topic's max.message.bytes if such tickets are normal.",
  },
  'ticket.too_deep': {
    disposition: 'dead_letter',
    remedy: 'Fetch the ticket by its id and look at what nests so deep in it.',
  },

  'ticket.not_shown': {
    disposition: 'dead_letter',
    remedy:
      'Zendesk does not show this ticket by its id: it is deleted (that comes by the export), these credentials may not see it, or every attempt failed. Look at the cause; retry it later, or drop the letter.',
  },

  'record.invalid_headers': {
    disposition: 'dead_letter',
    remedy: 'Something other than the producer writes to the topic, or a header was changed on the way.',
  },
  'record.invalid_value': {
    disposition: 'dead_letter',
    remedy: 'Look at the dead letter: its value is not the JSON of a ticket.',
  },

  'kafka.unavailable': { disposition: 'retry', remedy: 'Check KAFKA_BROKERS and the cluster; waits for it.' },
  'kafka.doubtful_transaction': {
    disposition: 'retry',
    remedy: 'None; the producer is recycled and the checkpoint decides.',
  },
  'kafka.fenced': {
    disposition: 'stop',
    exitCode: exitCodes.ownedElsewhere,
    remedy: 'Another producer owns this topic; run one producer a topic.',
  },
  'kafka.topic_missing': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Create the topics with the commands shown, or give the user the right to create them.',
  },
  'kafka.topic_settings': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Give the topic the shown settings, or accept it as it is with ACCEPT_TOPIC_SETTINGS=true.',
  },
  'kafka.not_allowed': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Give the user the right that is named; docs/security.md has the least rights of each service.',
  },
  'kafka.credentials_refused': {
    disposition: 'stop',
    exitCode: exitCodes.credentials,
    remedy: 'Check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD, or KAFKA_TLS_CERT and KAFKA_TLS_KEY.',
  },
  'kafka.broker_untrusted': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Set KAFKA_TLS_CA to the authority of the brokers, and name them as their certificates do.',
  },
  'kafka.protocol_mismatch': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: "Set KAFKA_TLS and KAFKA_SASL_MECHANISM as the brokers' listener at that port has them.",
  },
  'kafka.consumer_stalled': {
    disposition: 'retry',
    remedy: 'None; the consumer is started again past the place where it stood still.',
  },
  'kafka.group_taken': {
    disposition: 'stop',
    exitCode: exitCodes.ownedElsewhere,
    remedy: 'Another instance reads as this consumer group; stop it first.',
  },
  'kafka.group_active': {
    disposition: 'stop',
    exitCode: exitCodes.ownedElsewhere,
    remedy: 'Stop the members of the group and run the command again; nothing was moved.',
  },
  'kafka.group_unknown': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy:
      'Name a group that "ticket-stream groups" lists, which are those that this user may Describe; nothing was changed.',
  },
  'log.cut': {
    disposition: 'stop',
    exitCode: exitCodes.dataAtRisk,
    remedy:
      'The topic was made again or cut. Restore it, or start anew: another DATA_DIR for a sink, another TICKETS_TOPIC for the producer. A sink that may miss what is gone goes on with ALLOW_GAP=true (`allowGap`).',
  },
  'checkpoint.missing': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy:
      'Nothing was exported to this topic yet: check TICKETS_TOPIC, or start the producer at START_TIME.',
  },
  'checkpoint.unreadable': {
    disposition: 'stop',
    exitCode: exitCodes.dataAtRisk,
    remedy: 'The checkpoint was not written by this version; upgrade, or export into another TICKETS_TOPIC.',
  },

  'export.at_work': {
    disposition: 'stop',
    exitCode: exitCodes.ownedElsewhere,
    remedy: 'Stop the producer, run the command again, and start the producer.',
  },

  'subscriber.too_many_dead_letters': {
    disposition: 'stop',
    exitCode: exitCodes.dataAtRisk,
    remedy:
      'Look at the record that is named and at the letters (`ticket-stream dlq list`; the last ones, or all, may not have been written) and mend what they have in common: nothing was lost, and the position stands before what was not set aside. Or allow more of them: DEAD_LETTERS_MAX, `deadLetterWindow`.',
  },
  'sink.unavailable': { disposition: 'retry', remedy: 'Check the sink; consumption is paused, not lost.' },
  'sink.cannot_apply': {
    disposition: 'dead_letter',
    remedy:
      'Look at the dead letter: its cause says why the sink refuses this change. Mend that, then send it again.',
  },
  'subscription.left': {
    disposition: 'stop',
    exitCode: exitCodes.done,
    remedy: 'None; the loop was left with a batch at hand, which comes again.',
  },
  'store.locked': {
    disposition: 'stop',
    exitCode: exitCodes.ownedElsewhere,
    remedy: 'Another process writes this store; stop it, or use another DATA_DIR.',
  },
  'store.unusable': {
    disposition: 'stop',
    exitCode: exitCodes.dataAtRisk,
    remedy:
      "The store was written by another version or is damaged; move it away and start again: the log is read anew (by a subscription of your own with `from: 'earliest'`).",
  },
  'search.bad_query': { disposition: 'stop', remedy: 'Correct the query at the place shown.' },
  'dev_stack.unavailable': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Install what is named, or set KAFKA_BROKERS.',
  },
  'simulator.change_refused': {
    disposition: 'stop',
    exitCode: exitCodes.configuration,
    remedy: 'Correct the named fields; nothing was changed.',
  },
  'internal.defect': {
    disposition: 'stop',
    exitCode: exitCodes.defect,
    remedy: 'A defect of ticket-stream; please report it with the lines before it.',
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof errorTable;

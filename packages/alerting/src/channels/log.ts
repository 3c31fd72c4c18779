import type { Logger } from '../logger.ts';
import type { Channel } from './channel.ts';

/** One line an alert: which rule, which ticket; never the ticket's text, which does not belong into logs. */
export function logChannel(logger: Logger): Channel {
  return {
    name: 'log',
    async deliver({ alertId, rule, severity, ticketId, traceId }) {
      const line = { alert: alertId, rule, severity, ticketId, recordTraceId: traceId };
      if (severity === 'info') logger.info(line, 'alert');
      else logger.warn(line, 'alert');
      return { kind: 'accepted', status: undefined };
    },
    async close() {},
  };
}

/** Options that several services share; spread them into a service's own table. */
import { option } from './option.ts';

export const commonOptions = {
  TICKETS_TOPIC: option.text({
    text: 'Topic of the tickets; checkpoints and dead letters stand in topics named after it.',
    default: 'tickets',
    // Kafka: 249 characters; the longest of our own endings, ".checkpoints", must fit as well.
    charactersMax: 237,
    pattern: /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/,
    expected: 'letters, digits, ".", "_" and "-", at most 237 of them',
  }),
  DATA_DIR: option.path({
    text: 'Folder of everything kept on this machine; several folders work side by side.',
    default: '.data',
  }),
  LOG_LEVEL: option.choice({
    text: 'The least important lines that are logged.',
    of: ['debug', 'info', 'warn', 'error'],
    default: 'info',
  }),
};

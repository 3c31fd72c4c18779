import { expect, test } from 'vitest';
import { complaintIn } from './complaint.ts';

const trace = '\tat org.apache.kafka.Something.run(Something.java:1)\n\t... 3 more\n';

test.each([
  [
    'the exception, not where it came from',
    `Exception in thread "main" ConfigException: Invalid value -1\n${trace}`,
    'Exception in thread "main" ConfigException: Invalid value -1',
  ],
  [
    'the cause of the cause',
    `ERROR Exiting (kafka.Kafka$)\nKafkaException: no\n${trace}Caused by: One\n${trace}Caused by: IOException: disk full\n${trace}`,
    'Caused by: IOException: disk full',
  ],
  [
    'the exception, not the line that announces it',
    `2026-11-24 ERROR Exiting due to fatal exception\njava.lang.RuntimeException: Stored node id 7\n${trace}`,
    'java.lang.RuntimeException: Stored node id 7',
  ],
  [
    'a taken port before all',
    `ERROR Exiting\nSocketException: Address already in use\n${trace}Caused by: BindException\n`,
    'SocketException: Address already in use',
  ],
  ['the last lines where nothing is called an error', 'one\ntwo\nthree\nfour\n', 'two\nthree\nfour'],
  ['nothing of nothing', '', ''],
])('tells %s', (_what, output, complaint) => {
  expect(complaintIn(output)).toBe(complaint);
});

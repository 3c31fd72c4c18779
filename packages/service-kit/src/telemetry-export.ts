/** The exporting SDK; only telemetry.ts loads this file, and only when something is to be exported. */
import {
  defaultResource,
  envDetector,
  hostDetector,
  osDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import { NodeSDK } from '@opentelemetry/sdk-node';
import type { Environment } from './options.ts';

/** @returns the function that flushes and ends it */
export function startExporting(
  service: string,
  env: Environment,
  exported: { readonly traces: boolean; readonly metrics: boolean; readonly logs: boolean },
): () => Promise<void> {
  const resource = defaultResource().merge(
    resourceFromAttributes({
      'service.name': `ticket-stream-${service}`,
      'service.namespace': 'ticket-stream',
      'process.pid': process.pid,
      'process.runtime.name': 'nodejs',
      'process.runtime.version': process.versions.node,
    }),
  );
  const sdk = new NodeSDK({
    resource,
    // Without the SDK's process detector, which would export the command line; OTEL_NODE_RESOURCE_DETECTORS brings it.
    ...(env['OTEL_NODE_RESOURCE_DETECTORS'] === undefined
      ? { resourceDetectors: [serviceInstanceIdDetector, hostDetector, osDetector, envDetector] }
      : {}),
    // An empty list says "none"; left out, the SDK takes the standard variables and, without them, OTLP.
    ...(exported.traces ? {} : { spanProcessors: [] }),
    ...(exported.metrics ? {} : { metricReaders: [] }),
    ...(exported.logs ? {} : { logRecordProcessors: [] }),
  });
  sdk.start();
  return () => sdk.shutdown();
}

import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  osDetector,
  processDetector,
  type Resource,
  type ResourceDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
} from '@opentelemetry/resources';
import type { Environment } from './options.ts';

const detectors: Readonly<Record<string, ResourceDetector>> = {
  serviceinstance: serviceInstanceIdDetector,
  host: hostDetector,
  os: osDetector,
  env: envDetector,
  process: processDetector,
};

/** Without the process detector, which would export the command line; OTEL_NODE_RESOURCE_DETECTORS brings it. */
const DETECTED = 'serviceinstance,host,os,env';

/** Who exports: one resource for all signals, so that traces and metrics of a process carry the same instance id. */
export function telemetryResource(service: string, env: Environment): Resource {
  const own = resourceFromAttributes({
    'service.name': `ticket-stream-${service}`,
    'service.namespace': 'ticket-stream',
    'process.pid': process.pid,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
  });
  const wanted = (env['OTEL_NODE_RESOURCE_DETECTORS']?.trim() || DETECTED)
    .split(',')
    .map((name) => name.trim());
  const chosen = wanted.includes('all')
    ? Object.values(detectors)
    : wanted.flatMap((name) => detectors[name] ?? []);
  return defaultResource()
    .merge(own)
    .merge(detectResources({ detectors: chosen }));
}

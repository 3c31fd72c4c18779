/** Of AsyncAPI's bindings of Kafka. */
export const BINDING_VERSION = '0.5.0';

/** @param key  JSON Schema of a message's key */
export function keyBinding(key: object) {
  return { kafka: { key, bindingVersion: BINDING_VERSION } };
}

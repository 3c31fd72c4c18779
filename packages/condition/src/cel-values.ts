import { type CelInput, type CelMap, type CelValue, celMap, isCelList, isCelMap } from '@bufbuild/cel';

/** Tickets are some five levels deep; what lies below this is null to a rule, not an overflow of the stack. */
const DEPTH_MAX = 64;

/**
 * JSON as CEL sees it. Whole numbers become CEL ints, so that `string(ticket.group_id)` is "42" and not "42.0" and
 * ids can be counted with; other numbers are doubles. CEL compares ints and doubles by value (`2.5 > 2` holds) but
 * adds only like to like: `double(ticket.x) * 1.5`. Beyond 2^53 a number was rounded when the ticket was parsed.
 *
 * Converted here and not by the library, which tells an object by its `constructor`: a field of that name breaks it.
 */
export function celFromJson(value: unknown, depth = 0): CelInput {
  if (depth > DEPTH_MAX) return null;
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  if (Array.isArray(value)) return value.map((item) => celFromJson(item, depth + 1));
  if (typeof value === 'object' && value !== null) {
    const entries = new Map<string, CelInput>();
    for (const [name, field] of Object.entries(value)) entries.set(name, celFromJson(field, depth + 1));
    return celMap(entries);
  }
  return null;
}

/** What a rule sees as `previous` where there is none: every field of it is null. */
export const noTicket: CelMap = celMap(new Map());

/** A field or an element; null where it is not there, or where there is nothing to look into. */
export function fieldOrNull(holder: CelValue, key: CelValue): CelValue {
  if (isCelMap(holder)) {
    return typeof key === 'string' || typeof key === 'bigint' || typeof key === 'boolean'
      ? (holder.get(key) ?? null)
      : null;
  }
  if (isCelList(holder)) {
    const index = typeof key === 'bigint' || typeof key === 'number' ? Number(key) : Number.NaN;
    return Number.isInteger(index) ? (holder.get(index) ?? null) : null;
  }
  if (holder === null) return null;
  throw new Error('looks for a field in something that has none');
}

/** What `has(x.field)` asks: is the key there, whatever its value. */
export function hasField(holder: CelValue, field: string): boolean {
  // Not `has()`: cel 0.6.1 answers false there for a key whose value is null.
  return isCelMap(holder) && holder.get(field) !== undefined;
}

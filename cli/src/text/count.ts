/** "1 record", "12,345 records". */
export function count(value: number | bigint, one: string, many: string): string {
  return `${value.toLocaleString('en')} ${BigInt(value) === 1n ? one : many}`;
}

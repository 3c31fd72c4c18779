import type { TicketFacets } from '../history/ticket-facets.ts';
import { Random } from '../random.ts';
import type { Language } from './language.ts';

/**
 * Puts a ticket's subject and description together, already escaped for JSON: the sentences are escaped once, when
 * first used, and only joined for each ticket. Escaping every description anew took half of a page's time.
 */
export interface TicketText {
  /** JSON string contents, without the quotes. */
  readonly subject: string;
  readonly description: string;
  readonly customerName: string;
}

const EMOJI = ['😡', '🙏', '😕', '🎉', '👍', '🤷‍♀️', '📦', '❤️', '🆘', '👩🏽‍💻'];
const CURRENCIES: Readonly<Record<string, string>> = {
  en: '$',
  de: '€',
  fr: '€',
  es: '€',
  ja: '円',
  th: '฿',
  ar: 'ر.س',
};

type Template = readonly string[];
const templates = new Map<string, Template>();

/** Literal pieces at even places, slot names at odd ones. */
function templateOf(text: string): Template {
  let template = templates.get(text);
  if (template === undefined) {
    template = text
      .split(/\{([pnoadc])\}/)
      .map((piece, place) => (place % 2 === 0 ? escapeJson(piece) : piece));
    templates.set(text, template);
  }
  return template;
}

export function escapeJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

interface Slots {
  readonly p: string;
  readonly o: string;
  readonly n: string;
  readonly a: string;
  readonly d: string;
  readonly c: string;
}

function fill(text: string, slots: Slots): string {
  const template = templateOf(text);
  let filled = template[0] ?? '';
  for (let place = 1; place < template.length; place += 2) {
    filled += slots[template[place] as keyof Slots] + (template[place + 1] ?? '');
  }
  return filled;
}

export function composeText(facets: TicketFacets, createdSecond: number): TicketText {
  const { language, topic } = facets;
  const random = new Random(facets.textSeed);
  const name = random.pick(language.names);
  const day = new Date((createdSecond - random.between(1, 21) * 86_400) * 1000);
  const slots: Slots = {
    p: facets.product,
    o: String(facets.orderNumber),
    n: name,
    a: amount(facets.amountCents, language.code),
    d: `${day.getUTCFullYear()}-${twoDigits(day.getUTCMonth() + 1)}-${twoDigits(day.getUTCDate())}`,
    c: random.pick(language.cities),
  };
  let subject = fill(random.pick(topic.subjects), slots);
  const emoji = random.chance(0.07) ? random.pick(EMOJI) : '';
  if (emoji !== '') subject += ` ${emoji}`;
  const paragraphs = [
    fill(random.pick(language.greetings), slots),
    fill(random.pick(topic.openings), slots),
    ...someOf(random, topic.details, random.between(1, topic.details.length), slots),
    ...someOf(random, language.asides, random.between(1, 5), slots),
  ];
  let description = paragraphs[0] ?? '';
  for (let place = 1; place < paragraphs.length; place++) {
    description += (random.chance(0.6) ? ' ' : '\\n\\n') + paragraphs[place];
  }
  description += `${emoji}\\n\\n${fill(random.pick(language.closings), slots)}`;
  if (facets.appendixBytes > 0)
    description += appendix(random, language, slots, createdSecond, facets.appendixBytes);
  return { subject, description, customerName: name };
}

/** `count` different ones, in the order of the list from a place on. */
function someOf(random: Random, list: readonly string[], count: number, slots: Slots): string[] {
  const from = random.below(list.length);
  return Array.from({ length: Math.min(count, list.length) }, (_, step) =>
    fill(list[(from + step) % list.length] ?? '', slots),
  );
}

/** The thread that the mail program quoted, or the log that somebody pasted, until it is `bytes` long. */
function appendix(
  random: Random,
  language: Language,
  slots: Slots,
  createdSecond: number,
  bytes: number,
): string {
  const isLog = random.chance(0.5);
  // Characters of these scripts take three and two bytes.
  const bytesPerCharacter =
    language.code === 'ja' || language.code === 'th' ? 2.6 : language.code === 'ar' ? 1.7 : 1;
  const length = Math.floor(isLog ? bytes : bytes / bytesPerCharacter);
  let text = isLog ? '\\n\\n-----\\n' : '\\n\\n> ';
  let second = createdSecond - 7200;
  while (text.length < length) {
    second += random.between(1, 90);
    if (isLog) {
      const time = `${new Date(second * 1000).toISOString().slice(0, 19)}.${String(random.below(1000)).padStart(3, '0')}Z`;
      const line = random.pick(LOG_LINES);
      text += `${time} ${fill(line, { ...slots, a: String(random.next()), d: String(random.below(30_000)) })}\\n`;
    } else {
      const sentence = random.chance(0.2)
        ? random.pick(language.topics).openings[0]
        : random.pick(language.asides);
      text += `${random.chance(0.3) ? '>' : ''} ${fill(sentence ?? '', slots)}${random.chance(0.25) ? '\\n> ' : ''}`;
    }
  }
  return text;
}

const LOG_LINES = [
  'INFO  http request id={a} path=/orders/{o} status=200 duration_ms={d}',
  'WARN  http request id={a} path=/orders/{o} status=502 duration_ms={d} retry=true',
  'ERROR sync "{p}" failed: connection reset by peer (worker {d})',
  'DEBUG cache miss key="device\\{a}" ttl={d}',
  'INFO  webhook delivered event=order.updated id={a} attempt=1',
  '\tat com.example.device.Session.refresh(Session.java:{d})',
];

function amount(cents: number, language: string): string {
  const currency = CURRENCIES[language] ?? '€';
  if (language === 'ja') return `${cents}${currency}`;
  const whole = Math.floor(cents / 100);
  const part = twoDigits(cents % 100);
  return language === 'en' ? `${currency}${whole}.${part}` : `${whole},${part} ${currency}`;
}

function twoDigits(value: number): string {
  return value < 10 ? `0${value}` : String(value);
}

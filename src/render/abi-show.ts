import type { Item, Profile } from '../abi/profile.ts';
import { factsText } from '../profile/item.ts';
import { toJson } from './json.ts';

/** A structure as pahole prints one, with holes and totals; a constant on one line. */
export function showText(profile: Profile, name: string): string[] {
  const item = profile.items.find((one) => one.name === name);
  if (item === undefined) return [];
  if (item.kind !== 'struct')
    return [`${item.name} = ${factsText(item)}  /* ${item.header}, ${sourceText(profile)} */`];
  const lines = memberLines(profile, item);
  const holes = lines.filter(({ hole }) => hole).length;
  const end = Math.max(0, ...membersOf(profile, name).map(endBit)) / 8;
  const padding = (item.size ?? 0) - Math.ceil(end);
  return [
    `struct ${name} {  /* ${item.header}, ${sourceText(profile)} */`,
    ...lines.map(({ text }) => `\t${text}`),
    '',
    `\t/* size: ${item.size}, align: ${item.align}, holes: ${holes}, padding: ${padding} */`,
    '};',
  ];
}

/** Names of everything but fields, by header. */
export function listText(profile: Profile): string[] {
  const items = profile.items.filter(({ kind }) => kind !== 'field');
  const headers = [...new Set(items.map(({ header }) => header))].toSorted();
  return [
    sourceText(profile),
    ...headers.flatMap((header) => [
      header,
      ...items
        .filter((item) => item.header === header)
        .map((item) => `  ${item.kind.padEnd(8)} ${item.name}  ${factsText(item)}`),
    ]),
  ];
}

export function showJson(profile: Profile, name: string | undefined): string {
  const { items, release, version, source, arch, pageSize, obtained } = profile;
  const shown = items.filter(
    (item) => name === undefined || item.name === name || item.name.startsWith(`${name}.`),
  );
  return toJson('abi-show', 1, { release, version, source, arch, pageSize, obtained, items: shown });
}

function memberLines(profile: Profile, struct: Item): { text: string; hole: boolean }[] {
  const members = membersOf(profile, struct.name);
  const width = Math.max(...members.map(({ name }) => shortName(name, struct).length + 4));
  let end = 0;
  return members.flatMap((member) => {
    const start = startBit(member);
    const gap = start - end;
    end = Math.max(end, endBit(member));
    const name = shortName(member.name, struct);
    const bits = member.bitWidth === undefined ? '' : `:${member.bitWidth}`;
    const place =
      member.bitWidth === undefined ? `${pad(start / 8)} ${pad(member.size ?? 0)}` : bitPlace(member);
    const line = { text: `${`${name}${bits};`.padEnd(width)}  /* ${place} */`, hole: false };
    return gap > 0 ? [{ text: `/* XXX ${gap / 8} bytes hole */`, hole: true }, line] : [line];
  });
}

/** Offset of the byte, and the bit in it. */
function bitPlace({ bitOffset = 0 }: Item): string {
  return `${pad(Math.floor(bitOffset / 64) * 8)}:${String(bitOffset % 64).padStart(2)} 8`;
}

function membersOf({ items }: Profile, struct: string): Item[] {
  const members = items.filter(({ name }) => name.startsWith(`${struct}.`));
  return members.toSorted((a, b) => startBit(a) - startBit(b) || endBit(a) - endBit(b));
}

const shortName = (name: string, struct: Item) => name.slice(struct.name.length + 1);
const startBit = ({ bitOffset, offset = 0 }: Item) => bitOffset ?? offset * 8;
const endBit = (item: Item) => startBit(item) + (item.bitWidth ?? (item.size ?? 0) * 8);
const pad = (value: number) => String(value).padStart(6);

function sourceText({ version, source, arch, pageSize }: Profile): string {
  return `${[version, source].filter((part) => part !== '').join(', ')}, ${arch} ${pageSize / 1024}K`;
}

/** What init can do (src/guest/init/init.c), and how many words a line of it has: at least, at most (0: any number). */
export const PLAN_COMMANDS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  run: [2, 0],
  print: [2, 2],
  tree: [2, 2],
  sha256: [4, 4],
  write: [3, 3],
  kexec_file_load: [4, 4],
  kexec: [1, 1],
  luo: [2, 0],
  'luo-close': [2, 2],
  'luo-again': [2, 0],
  preserve: [3, 0],
  session: [2, 2],
  memfd: [6, 0],
  memory: [1, 1],
};

/** The words of a line, as init splits it. */
export const planWords = (line: string): string[] => line.split(/[ \n]+/).filter((word) => word !== '');

/** Whether init follows a line; what it does not, it tells the console, and goes on. */
export function isPlanLine(line: string): boolean {
  const [command = '', ...words] = planWords(line);
  const range = Object.hasOwn(PLAN_COMMANDS, command) ? PLAN_COMMANDS[command] : undefined;
  if (!range) return false;
  const [least, most] = range;
  return words.length + 1 >= least && (most === 0 || words.length < most);
}

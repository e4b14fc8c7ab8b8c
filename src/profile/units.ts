import { ARCHES, type Arch } from '../abi/arch.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';

/** A file of a kernel tree that defines some of the ABI, and how its items are got. */
export interface Unit {
  /** Where the file has been, newest first; the first that exists counts. */
  readonly paths: readonly string[];
  /** File in abi/shim that includes it. */
  readonly shim: string;
  /** Which of its names belong to the ABI; all, when absent. A name that is new and fits is reported. */
  readonly take?: RegExp;
  /** A .c file: the definitions alone are compiled, for its functions need a configured tree. */
  readonly excerpt?: true;
  /** Properties that the code reads by a literal name are items, with this before their names. */
  readonly properties?: string;
  /** Text that stands in the code as a literal, by the name of its item. */
  readonly literals?: Readonly<Record<string, string>>;
  /** Only on this architecture. */
  readonly arch?: Arch;
}

/** Every header in here is ABI, as a whole, and so is one that is added tomorrow. */
export const ABI_FOLDER = 'include/linux/kho/abi';

/** Headers of ABI_FOLDER that have a shim of their own; others take any.c. */
const OWN_SHIM = ['block', 'kexec_handover', 'kexec_metadata', 'luo', 'memblock', 'memfd'];

/** The unit of a header in ABI_FOLDER. @param file such as `luo.h` */
export function abiUnit(file: string): Unit {
  const name = file.replace(/\.h$/, '');
  return { paths: [`${ABI_FOLDER}/${file}`], shim: OWN_SHIM.includes(name) ? `${name}.c` : 'any.c' };
}

/** What is ABI outside that folder. */
export const OTHER_UNITS: readonly Unit[] = [
  {
    paths: ['include/asm-generic/kexec_handover.h', 'include/linux/kexec_handover.h'],
    shim: 'scratch.c',
    take: /^(kho_scratch|kho_vmalloc.*)$/,
  },
  {
    paths: ['arch/x86/include/uapi/asm/setup_data.h'],
    shim: 'setup_data.c',
    take: /^(setup_data|kho_data|SETUP_KEXEC_KHO)$/,
    arch: 'x86_64',
  },
  {
    paths: ['include/uapi/linux/liveupdate.h'],
    shim: 'liveupdate.c',
    take: /^LIVEUPDATE_SESSION_NAME_LENGTH$/,
  },
  { paths: ['include/uapi/linux/utsname.h'], shim: 'utsname.c', take: /^__NEW_UTS_LEN$/ },
  {
    paths: ['kernel/liveupdate/kexec_handover.c', 'kernel/kexec_handover.c'],
    shim: 'source.c',
    excerpt: true,
    take: /^(KHO_FDT_COMPATIBLE|PROP_\w+|PRESERVE_BITS|kho_mem_phys_bits|khoser_\w+|KHOSER_\w+|kho_vmalloc\w*|KHO_VMALLOC_(?!SUPPORTED)\w+)$/,
  },
  { ...luo('session'), take: /^LUO_SESSION_(PGCNT|MAX)$/ },
  { ...luo('file'), take: /^LUO_FILE_(PGCNT|MAX)$/ },
  { ...luo('flb'), take: /^LUO_FLB_(PGCNT|MAX)$/ },
  { paths: ['kernel/liveupdate/kho_block.c'], shim: 'source.c', excerpt: true, take: /^KHO_MAX_BLOCKS$/ },
  {
    paths: ['mm/memblock.c'],
    shim: 'source.c',
    excerpt: true,
    take: /^(MEMBLOCK|RESERVE_MEM)_KHO_\w+$/,
    properties: 'memblock',
  },
  {
    paths: ['lib/test_kho.c'],
    shim: 'source.c',
    excerpt: true,
    take: /^KHO_TEST_\w+$/,
    properties: 'kho_test',
    literals: { 'kho_test:data': 'data' },
  },
  {
    paths: ['drivers/of/kexec.c'],
    shim: 'source.c',
    excerpt: true,
    take: /^\b$/,
    literals: { 'chosen:linux,kho-fdt': 'linux,kho-fdt', 'chosen:linux,kho-scratch': 'linux,kho-scratch' },
    arch: 'arm64',
  },
];

/** What a profile needs of a kernel tree: its headers, and the .c files with definitions. */
export const TREE_FILES: readonly string[] = [
  'Makefile',
  'include',
  ...ARCHES.map((arch) => `arch/${ARCHITECTURES[arch].kbuild.srcarch}/include`),
  ...OTHER_UNITS.flatMap(({ paths }) => paths).filter((path) => path.endsWith('.c')),
];

function luo(part: string): Unit {
  return { paths: [`kernel/liveupdate/luo_${part}.c`], shim: 'source.c', excerpt: true };
}

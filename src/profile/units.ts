import { ARCHES } from '../abi/arch.ts';
import type { Unit } from '../abi/unit.ts';
import { ARCHITECTURES } from '../arch/architectures.ts';
import { PARTS } from '../users/registry.ts';
import { facet } from '../users/user.ts';

/** Every header in here is ABI, as a whole, and so is one that is added tomorrow. */
export const ABI_FOLDER = 'include/linux/kho/abi';

const USER_ABIS = PARTS.flatMap(({ abi }) => facet(abi) ?? []);

/** Headers of ABI_FOLDER that have a shim of their own; others take any.c. */
const OWN_SHIM = ['block', 'kexec_handover', ...USER_ABIS.flatMap(({ headers }) => headers)];

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
    paths: ['kernel/liveupdate/kexec_handover.c', 'kernel/kexec_handover.c'],
    shim: 'source.c',
    excerpt: true,
    take: /^(KHO_FDT_COMPATIBLE|PROP_\w+|PRESERVE_BITS|kho_mem_phys_bits|khoser_\w+|KHOSER_\w+|kho_vmalloc\w*|KHO_VMALLOC_(?!SUPPORTED)\w+)$/,
  },
  { paths: ['kernel/liveupdate/kho_block.c'], shim: 'source.c', excerpt: true, take: /^KHO_MAX_BLOCKS$/ },
  {
    paths: ['drivers/of/kexec.c'],
    shim: 'source.c',
    excerpt: true,
    take: /^\b$/,
    literals: { 'chosen:linux,kho-fdt': 'linux,kho-fdt', 'chosen:linux,kho-scratch': 'linux,kho-scratch' },
    arch: 'arm64',
  },
  ...USER_ABIS.flatMap(({ units }) => units),
];

/** What a profile needs of a kernel tree: its headers, and the .c files with definitions. */
export const TREE_FILES: readonly string[] = [
  'Makefile',
  'include',
  ...ARCHES.map((arch) => `arch/${ARCHITECTURES[arch].kbuild.srcarch}/include`),
  ...OTHER_UNITS.flatMap(({ paths }) => paths).filter((path) => path.endsWith('.c')),
];

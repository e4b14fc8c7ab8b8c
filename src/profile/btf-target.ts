import { ARCHES, type Arch, PAGE_SIZES } from '../abi/arch.ts';
import { archOfElf } from '../arch/architectures.ts';
import { KhoforgeError } from '../base/errors.ts';
import type { Btf } from '../btf/btf.ts';
import { hostArch } from '../toolchain/compiler.ts';
import { COMBINATIONS, type Combination } from './source.ts';

/** The BTF of the running kernel. */
export const HOST_BTF = '/sys/kernel/btf/vmlinux';

/** Structures that are a page, as static_assert of the kernel says or their arrays make them (6.17 to 7.3). */
const PAGE_STRUCTS = ['kho_vmalloc_chunk', 'kho_radix_node', 'kho_radix_leaf', 'khoser_mem_chunk'];

export interface AskedCombination {
  /** As in `--arch`, `--page-size`: undefined when not given. */
  readonly arch?: Arch | undefined;
  /** Bytes. */
  readonly pageSize?: number | undefined;
}

/**
 * Architecture and page size of the kernel that BTF is of. What BTF does not tell has to be asked for; it is never
 * guessed.
 * @param file what errors call it
 * @throws KhoforgeError `BTF_TARGET` when it is not there, or not what is asked for; `NO_KHO`
 */
export function btfCombination(btf: Btf, file: string, asked: AskedCombination = {}): Combination {
  if (btf.endian !== 'little')
    throw mismatch(file, `is big-endian: KHO is on ${ARCHES.join(' and ')} alone`, '');
  const arch = btfArch(btf, file, asked.arch);
  const recorded = btfPageSize(btf);
  if (recorded === undefined && !hasKho(btf)) {
    throw new KhoforgeError('NO_KHO', `${file} has no structure of Kexec HandOver`, {
      where: { file },
      hint: 'KHO is in Linux 6.16 and later, with CONFIG_KEXEC_HANDOVER=y',
    });
  }
  if (recorded !== undefined && asked.pageSize !== undefined && recorded !== asked.pageSize) {
    throw mismatch(
      file,
      `is of a kernel with pages of ${recorded} bytes, not ${asked.pageSize}`,
      '--page-size',
    );
  }
  // Where there is one page size, nothing is guessed.
  const [first, ...others] = PAGE_SIZES[arch];
  const pageSize = recorded ?? asked.pageSize ?? (others.length === 0 ? first : undefined);
  const found = COMBINATIONS.find((one) => one.arch === arch && one.pageSize === pageSize);
  if (found !== undefined) return found;
  if (pageSize !== undefined)
    throw mismatch(file, `cannot be: ${arch} has no pages of ${pageSize} bytes`, '--arch');
  throw mismatch(
    file,
    'does not tell the page size: neither kho_radix_consts nor a page-sized structure',
    '',
  );
}

function btfArch({ machine }: Btf, file: string, asked: Arch | undefined): Arch {
  if (machine === undefined) {
    const arch = asked ?? (file === HOST_BTF ? hostArch() : undefined);
    if (arch !== undefined) return arch;
    throw new KhoforgeError('BTF_TARGET', `${file} does not tell its architecture: it is BTF without ELF`, {
      where: { file },
      hint: `add ${ARCHES.map((name) => `--arch ${name}`).join(' or ')}, or give the vmlinux itself`,
    });
  }
  const arch = archOfElf(machine);
  if (arch === undefined)
    throw mismatch(file, `is for ELF machine ${machine}: KHO is on ${ARCHES.join(' and ')}`, '');
  if (asked !== undefined && asked !== arch) throw mismatch(file, `is for ${arch}, not ${asked}`, '--arch');
  return arch;
}

/** Of enum kho_radix_consts: a bitmap is a page, so KHO_BITMAP_SIZE_LOG2 is PAGE_SHIFT + 3 (7.1 to 7.3). */
function btfPageSize(btf: Btf): number | undefined {
  const log2 = btf
    .enumOf('kho_radix_consts')
    ?.values.find(({ name }) => name === 'KHO_BITMAP_SIZE_LOG2')?.value;
  const fromEnum = log2 === undefined || log2 > 32n ? [] : [2 ** (Number(log2) - 3)];
  const sizes = [...fromEnum, ...PAGE_STRUCTS.map((name) => btf.structLayout(name)?.size)];
  return sizes.find((size) => COMBINATIONS.some(({ pageSize }) => pageSize === size));
}

const hasKho = (btf: Btf) =>
  ['kho_scratch', 'kho_vmalloc', ...PAGE_STRUCTS].some((name) => btf.findStruct(name));

function mismatch(file: string, what: string, option: string): KhoforgeError {
  return new KhoforgeError('BTF_TARGET', `${file} ${what}`, {
    where: { file },
    hint:
      option === ''
        ? 'give the vmlinux of a kernel with KHO, or --page-size'
        : `leave ${option} out, or give another vmlinux`,
  });
}
